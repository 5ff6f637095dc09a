# SPDX-License-Identifier: GPL-2.0
"""The terminal: a line for each step, with the seconds since the start."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator

_BOLD, _DIM, _GREEN, _RED, _PLAIN = "\33[1m", "\33[2m", "\33[32m", "\33[31m", "\33[0m"


class Step:
    """What a step has to say at its end; notes in between go to lines of their own."""

    def __init__(self, screen: Screen, text: str) -> None:
        self.text = text
        self.result = ""
        self._screen = screen
        self._noted = False
        self._began = screen.seconds()

    def note(self, text: str) -> None:
        self._screen.write("\n" if not self._noted else "")
        self._noted = True
        self._screen.write(f"{self._screen.clock()}    {text}\n")

    def end(self, text: str, colour: str) -> None:
        if self._noted:
            self._screen.write(f"{self._screen.clock()}    ")
        took = self._screen.seconds() - self._began
        self._screen.write(f"{self._screen.paint(text, colour)} "
                           f"{self._screen.paint(f'({took:.1f} s)', _DIM)}\n")


class Screen:
    def __init__(self) -> None:
        self._began = time.monotonic()
        self._colour = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
        self._colour = self._colour and "NO_COLOR" not in os.environ
        self.step_text = ""  # of the step that runs or has failed

    def seconds(self) -> float:
        return time.monotonic() - self._began

    def clock(self) -> str:
        return self.paint(f"[{self.seconds():6.1f}s] ", _DIM)

    def paint(self, text: str, colour: str) -> str:
        return f"{colour}{text}{_PLAIN}" if self._colour else text

    def bold(self, text: str) -> str:
        return self.paint(text, _BOLD)

    def write(self, text: str) -> None:
        """A terminal or pipe that has gone away does not keep the demo from tidying up."""
        with contextlib.suppress(OSError):
            sys.stdout.write(text)
            sys.stdout.flush()

    def say(self, text: str = "") -> None:
        self.write(text + "\n")

    @contextlib.contextmanager
    def step(self, text: str) -> Iterator[Step]:
        """One line: what is being done, then, when it is done, what came of it."""
        self.step_text = text
        step = Step(self, text)
        self.write(f"{self.clock()}{text}: ")
        try:
            yield step
        except KeyboardInterrupt:
            step.end("interrupted", _RED)
            raise
        except BaseException:
            step.end("FAILED", _RED)
            raise
        step.end(step.result or "done", _GREEN)
        self.step_text = ""
