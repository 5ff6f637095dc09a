# SPDX-License-Identifier: GPL-2.0
"""Where the figures are taken."""

from __future__ import annotations

import os
import platform
import subprocess
from typing import Any

from demo import prepare
from demo.lab import TOP

QUIET = 0.7  # load below which nothing else of weight runs


def load() -> float:
    return float(prepare.load())


def _revision() -> str:
    """Of this tree; with a mark if it has changes."""
    try:
        done = subprocess.run(["git", "-C", str(TOP), "describe", "--always", "--dirty"],
                              capture_output=True, text=True)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"


def facts() -> dict[str, Any]:
    return {"processor": prepare.host()["processor"], "cpus": len(os.sched_getaffinity(0)),
            "kernel": platform.release(), "load": load(), "revision": _revision()}
