# SPDX-License-Identifier: GPL-2.0
"""Two runs of the benchmark: which figures have changed, and which differ by noise only."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from .errors import BenchError
from .results import Key, Results, load
from .stats import Summary, summary, verdict


class Row(NamedTuple):
    key: Key
    title: str
    unit: str
    old: Summary
    new: Summary
    change: float
    word: str  # better, worse, noise
    column: str = ""


def rows(base: Results, new: Results) -> list[Row]:
    """Of the figures that both have, in the order of the new one."""
    found = []
    for key, runs in new.figures.items():
        before = base.figures.get(key)
        if not before:
            continue
        group = new.groups[key.group]
        change, real = verdict(before, runs)
        word = "noise"
        if real:
            word = "better" if (change > 0) == (group.better == "higher") else "worse"
        found.append(Row(key, group.title, group.unit, summary(before), summary(runs),
                         change, word, group.columns[key.x] if group.columns else ""))
    return found


def _differences(base: Results, new: Results) -> list[str]:
    """What makes the two runs unlike, besides what is to be compared."""
    lines = []
    for what in ("processor", "cpus", "kernel"):
        old, now = base.facts["host"].get(what), new.facts["host"].get(what)
        if old != now:
            lines.append(f"careful: not the same {what} of the host: {old}, now {now}")
    if base.facts["kernel"] != new.facts["kernel"]:
        lines.append(f"careful: not the same kernel in the nodes: {base.facts['kernel']}, "
                     f"now {new.facts['kernel']}")
    if base.facts["mode"]["seconds"] != new.facts["mode"]["seconds"]:
        lines.append("careful: streams ran for "
                     f"{base.facts['mode']['seconds']:g} s, now {new.facts['mode']['seconds']:g} s")
    if min(base.facts["mode"]["runs"], new.facts["mode"]["runs"]) < 5:
        lines.append("fewer than 5 runs: only large changes are told from noise")
    return lines


def _line(row: Row) -> str:
    at = f", {row.column}" if row.column else f" {row.key.x}" if row.key.x else ""
    return (f"{row.word:7} {row.change:+7.1%}  {row.title}, {row.key.who}{at}: "
            f"{row.old.median:.4g} ({row.old.least:.4g} to {row.old.most:.4g}), now "
            f"{row.new.median:.4g} ({row.new.least:.4g} to {row.new.most:.4g}) {row.unit}")


def compare(base_path: Path, new_path: Path, everything: bool = False) -> str:
    if str(base_path) in ("", "."):
        raise BenchError("compare with which run? make bench-compare "
                         "BASE=build/bench/DATE/results.json")
    base = load(base_path)
    if not new_path.exists():
        raise BenchError(f"{new_path}: there is no later run to compare with; run make bench, or "
                         "name the file")
    new = load(new_path)
    found = rows(base, new)
    if not found:
        raise BenchError(f"{base_path} and {new_path} have no figure in common: they are of other "
                         "parts of the benchmark")
    count = {word: sum(row.word == word for row in found) for word in ("better", "worse", "noise")}
    shown = [row for row in found if everything or row.word != "noise"]
    shown.sort(key=lambda row: ("worse", "better", "noise").index(row.word))
    lines = [f"base: {base_path}, {base.facts['taken']}, {base.facts['host'].get('revision')}",
             f"new:  {new_path}, {new.facts['taken']}, {new.facts['host'].get('revision')}",
             *_differences(base, new), "", *map(_line, shown)]
    missing = len(base.figures.keys() | new.figures.keys()) - len(found)
    lines.append(f"{count['better']} better, {count['worse']} worse, {count['noise']} within the "
                 f"noise, {missing} in one of the two only")
    return "\n".join(lines)
