# SPDX-License-Identifier: GPL-2.0
"""Where things lie in the tree."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from .errors import LabError

TOP = Path(__file__).resolve().parents[2]
LAB_SOURCE = TOP / "tools" / "lab"
BUILD = TOP / "build"
LAB = BUILD / "lab"
CACHE = LAB / "cache"
RUN = LAB / "run"


def slow() -> float:
    """VNI_SLOW: every time limit is multiplied by it. 1 on an ordinary machine."""
    text = os.environ.get("VNI_SLOW", "1")
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if factor <= 0:
        raise LabError(f"VNI_SLOW={text} is not a positive number")
    return factor


def kernel_release(series: str, arch: str = "") -> str:
    """The release that a series ("6.12") stands for: the one whose headers are here."""
    where = [str(LAB / arch / "modules")] if arch else []
    argv = [str(TOP / "tools" / "krel"), series, *where]
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode != 0:
        hint = "" if arch else f"; try: tools/deps install {series}"
        raise LabError(done.stderr.strip() + hint)
    return done.stdout.strip()
