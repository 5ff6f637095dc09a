# SPDX-License-Identifier: GPL-2.0
"""The screen while it runs: what is being measured, how far it is, when it is expected to end."""

from __future__ import annotations

import contextlib
import shutil
import sys
import time

_EVERY = 10.0  # seconds between lines where there is no terminal to write over


class Progress:
    def __init__(self) -> None:
        self._plan: dict[str, float] = {}
        self._began = time.monotonic()
        self._part = ""
        self._part_began = self._began
        self._tty = sys.stdout.isatty()
        self._last = -_EVERY
        self._open = False  # a line that the next one is to be written over

    def plan(self, parts: dict[str, float]) -> None:
        """The seconds that each part is thought to take, in their order."""
        self._plan = dict(parts)

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def part(self, name: str, title: str) -> None:
        self._part, self._part_began = name, time.monotonic()
        names = list(self._plan)
        self.say(f"part {names.index(name) + 1} of {len(names)}: {title}")

    def at(self, share: float, text: str) -> None:
        """`share` of the part is done; `text` is what is being measured."""
        if not share:
            self._part_began = time.monotonic()  # what was before was no measuring
        took = time.monotonic() - self._part_began
        if share > 0.05:
            self._plan[self._part] = took / share  # now it is known better
        left = max(0.0, self._plan[self._part] - took)
        names = list(self._plan)
        left += sum(self._plan[name] for name in names[names.index(self._part) + 1 :])
        end = time.strftime("%H:%M:%S", time.localtime(time.time() + left))
        self._line(f"{share:4.0%}  {text}; all of it ends at about {end} ({_minutes(left)} left)")

    def part_done(self) -> None:
        self._plan[self._part] = 0.0

    def say(self, text: str = "") -> None:
        self._close()
        self._write(f"[{self.seconds():6.1f}s] {text}\n" if text else "\n")

    def _line(self, text: str) -> None:
        if self._tty:
            width = shutil.get_terminal_size().columns - 1
            self._write("\r\33[K" + f"[{self.seconds():6.1f}s] {text}"[:width])
            self._open = True
        elif time.monotonic() - self._last >= _EVERY:
            self._last = time.monotonic()
            self._write(f"[{self.seconds():6.1f}s] {text}\n")

    def _close(self) -> None:
        if self._open:
            self._write("\r\33[K")
            self._open = False

    def _write(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a terminal that went away does not end the run
            sys.stdout.write(text)
            sys.stdout.flush()


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
