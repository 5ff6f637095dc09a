# SPDX-License-Identifier: GPL-2.0
"""Runs in turns: each turn measures everything once, so that a slow moment of the machine meets
all rivals alike and not one of them five times."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from demo.errors import DemoError

from .progress import Progress
from .results import Key, PartState, Results

_FAILURES = 2  # of one shot, after which it is not tried any more


class Shot(NamedTuple):
    """One thing to measure, for some seconds; rivals stand beside each other in the list."""

    what: str
    run: Callable[[], dict[Key, float]]


def take(shots: list[Shot], runs: int, results: Results, part: PartState, progress: Progress,
         mend: Callable[[], None] = lambda: None) -> None:
    """All of them `runs` times. One that fails is noted, and `mend` sees to it that the others can
    go on."""
    failures = dict.fromkeys(range(len(shots)), 0)
    total = max(1, len(shots) * runs)
    for turn in range(runs):
        for number, shot in enumerate(shots):
            if failures[number] >= _FAILURES:
                continue
            progress.at((turn * len(shots) + number) / total,
                        f"run {turn + 1} of {runs}, {shot.what}")
            try:
                figures = shot.run()
            except DemoError as error:
                failures[number] += 1
                note = f"{shot.what}, run {turn + 1}: {error}"
                part.notes.append(note)
                progress.say("failed: " + note.partition("\n")[0])
                mend()
                continue
            for key, value in figures.items():
                results.add(key, value)
