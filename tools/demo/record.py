# SPDX-License-Identifier: GPL-2.0
"""The folder that keeps what a demo has seen."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any


class Record:
    def __init__(self, top: Path) -> None:
        stamp = time.strftime("%Y%m%d-%H%M%S")
        self.home = top / stamp
        count = 1
        while self.home.exists():
            count += 1
            self.home = top / f"{stamp}.{count}"
        self.home.mkdir(parents=True)
        self._runs = 0

    def text(self, name: str, text: str) -> Path:
        path = self.home / name
        path.write_text(text)
        return path

    def raw(self, what: str, text: str) -> None:
        """What one run of a tool printed, numbered in the order of the runs."""
        self._runs += 1
        name = re.sub(r"[^a-z0-9]+", "-", what.lower()).strip("-")
        directory = self.home / "raw"
        directory.mkdir(exist_ok=True)
        (directory / f"{self._runs:03d}-{name}.json").write_text(text)

    def json(self, name: str, value: Any) -> None:
        self.text(name, json.dumps(value, indent=1) + "\n")
