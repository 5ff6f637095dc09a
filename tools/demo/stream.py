# SPDX-License-Identifier: GPL-2.0
"""One TCP stream over VNI, in both directions, and over veth, in turns."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any, NamedTuple

from . import iperf
from .lab import Lab
from .record import Record
from .route import Routes


class Stream(NamedTuple):
    """Bits a second of each run, in the order of the runs."""

    there: list[float]
    back: list[float]
    veth: list[float]

    def facts(self) -> dict[str, Any]:
        return {name: {"median": median(runs), "runs": runs}
                for name, runs in self._asdict().items()}


def gigabits(value: float) -> str:
    return f"{value / 1e9:.2f}"


def measure(lab: Lab, record: Record, routes: Routes, runs: int, seconds: int,
            note: Callable[[str], None], what: str = "TCP") -> Stream:
    """Each turn runs all three after one another, so that a slow moment of the host hits all."""
    result = Stream([], [], [])
    for turn in range(runs):
        for route, values in zip(routes, result):
            values.append(iperf.tcp(lab, record, route, seconds, what))
        there, back, veth = (gigabits(values[-1]) for values in result)
        note(f"{turn + 1} of {runs}: 0 to 1 {there}, 1 to 0 {back}, veth {veth} Gb/s")
    return result


def set_form(lab: Lab, nodes: int, form: str) -> None:
    for node in range(nodes):
        lab.sh(node, f"echo {form} >/sys/class/net/vni0/vni/form")
