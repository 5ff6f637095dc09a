# SPDX-License-Identifier: GPL-2.0
"""What all parts have in common."""

from __future__ import annotations

from typing import NamedTuple

from .results import Group
from .turns import Shot


class Mode(NamedTuple):
    """How thorough."""

    name: str
    runs: int
    seconds: float  # that a stream runs
    quick: bool

    def some(self, values: tuple[int, ...], quick: tuple[int, ...]) -> tuple[int, ...]:
        return quick if self.quick else values


FULL = Mode("full", 5, 1.0, False)
QUICK = Mode("quick", 3, 0.3, True)


class Part:
    """One part of the benchmark. Whatever cannot be had here is told by prepare() as an error."""

    name = ""
    title = ""
    groups: tuple[Group, ...] = ()

    def __init__(self, mode: Mode) -> None:
        self.mode = mode
        self.notes: list[str] = []  # what a reader of the figures has to know

    def expected(self) -> float:
        """Seconds that it should take, before it is known better."""
        raise NotImplementedError

    def prepare(self) -> list[Shot]:
        """Make ready and say what is to be measured; BenchError if that cannot be done here."""
        raise NotImplementedError

    def mend(self) -> None:
        """After a shot has failed."""

    def end(self) -> None:
        """However it went."""
