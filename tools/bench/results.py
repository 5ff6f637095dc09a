# SPDX-License-Identifier: GPL-2.0
"""What was measured, and the file that keeps it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from .errors import BenchError
from .stats import Summary, summary

FORMAT = "vni-bench 1"


class Group(NamedTuple):
    """Figures that are shown together: rivals, over an axis or at one point."""

    name: str
    part: str
    title: str
    unit: str
    better: str  # "higher" or "lower"
    axis: str = ""  # what x counts; "" if there is one point only
    columns: tuple[str, ...] = ()  # or x is one of these: shares of a whole

    def ratio(self, ours: float, theirs: float) -> float:
        """How many times as good: above 1 is better, whichever way is up."""
        if self.better == "lower":
            ours, theirs = theirs, ours
        return ours / theirs if theirs else float("inf")


class Key(NamedTuple):
    group: str
    who: str
    x: int = 0


@dataclass
class PartState:
    name: str
    title: str
    state: str = "not run"  # done, skipped, cut short, interrupted
    why: str = ""
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


class Results:
    def __init__(self) -> None:
        self.facts: dict[str, Any] = {}
        self.groups: dict[str, Group] = {}
        self.figures: dict[Key, list[float]] = {}
        self.parts: list[PartState] = []

    def declare(self, *groups: Group) -> None:
        for group in groups:
            self.groups[group.name] = group

    def add(self, key: Key, value: float) -> None:
        if key.group not in self.groups:
            raise KeyError(f"{key.group}: no such group of figures")
        self.figures.setdefault(key, []).append(value)

    def get(self, group: str, who: str, x: int = 0) -> Summary | None:
        runs = self.figures.get(Key(group, who, x))
        return summary(runs) if runs else None

    def of(self, group: str) -> list[Key]:
        return [key for key in self.figures if key.group == group]

    def whos(self, group: str) -> list[str]:
        return list(dict.fromkeys(key.who for key in self.of(group)))

    def xs(self, group: str) -> list[int]:
        return sorted({key.x for key in self.of(group)})

    # -- the file ----------------------------------------------------------------------------

    def save(self, path: Path, targets: list[dict[str, Any]]) -> None:
        figures = []
        for key, runs in self.figures.items():
            told = summary(runs)
            figures.append({**key._asdict(), "unit": self.groups[key.group].unit,
                            "median": told.median, "min": told.least, "max": told.most,
                            "runs": runs})
        value = {"format": FORMAT, **self.facts,
                 "parts": [vars(part) for part in self.parts],
                 "groups": [group._asdict() for group in self.groups.values()],
                 "targets": targets, "figures": figures}
        path.write_text(json.dumps(value, indent=1) + "\n")


def load(path: Path) -> Results:
    """The results of an earlier run; BenchError says what is wrong with a file that has none."""
    wanted = f"expected the results.json of a run of vni-bench (format \"{FORMAT}\")"
    try:
        value = json.loads(path.read_text())
    except OSError as error:
        raise BenchError(f"{path}: {error.strerror}; {wanted}") from error
    except ValueError as error:
        raise BenchError(f"{path}: not JSON ({error}); {wanted}") from error
    found = value.get("format") if isinstance(value, dict) else None
    if found != FORMAT:
        raise BenchError(f"{path}: {wanted}, found "
                         + (f"format \"{found}\"" if found else "JSON without a format"))
    try:
        return _filled(value)
    except (KeyError, TypeError, ValueError) as error:
        raise BenchError(f"{path}: the file is damaged ({error!r}); {wanted}") from error


def _filled(value: dict[str, Any]) -> Results:
    results = Results()
    results.facts = {name: value[name] for name in ("taken", "mode", "host", "kernel")}
    results.parts = [PartState(**part) for part in value["parts"]]
    results.declare(*(Group(**{**group, "columns": tuple(group.get("columns", ()))})
                      for group in value["groups"]))
    for figure in value["figures"]:
        key = Key(figure["group"], figure["who"], int(figure["x"]))
        runs = [float(run) for run in figure["runs"]]
        if not runs or key.group not in results.groups:
            raise ValueError(f"figure {key}: no runs, or of no group")
        results.figures[key] = runs
    return results
