# SPDX-License-Identifier: GPL-2.0
"""The ring alone: two threads in user space on two CPUs, beside the rings of others."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from . import build
from .errors import BenchError
from .part import Mode, Part
from .results import Group, Key
from .turns import Shot

VNI, PLAIN, LINE = "VNI", "plain, cached indices", "bare cache line"
RTE, CK = "DPDK rte_ring SP/SC", "ck_ring SPSC"
RINGS = (VNI, RTE, CK, PLAIN)
BURSTS = (1, 8, 32)

_PROGRAMS = {VNI: "vni", RTE: "rte", CK: "ck", PLAIN: "plain", LINE: "line"}


class Ring(Part):
    name = "ring"
    title = "The ring alone, in user space"
    groups = (
        Group("ring", name, "16-byte elements through a ring", "ns", "lower",
              "elements a burst"),
        Group("ring-trip", name, "Round trip from core to core through two rings", "ns", "lower"),
    )

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode)
        self._ms = str(100 if mode.quick else 400)

    def expected(self) -> float:
        return 8 + self.mode.runs * 17 * (int(self._ms) / 1000 + 0.03)

    def prepare(self) -> list[Shot]:
        if build.cpus() < 2:
            raise BenchError("two CPUs are needed, and this process may use one")
        programs: dict[str, Path] = {}
        for who, kind in _PROGRAMS.items():
            try:
                programs[who] = _compile(kind)
            except BenchError as error:
                if who == VNI:
                    raise
                self.notes.append(f"{who} is missing: {error}")
        shots = [Shot(f"{who}, bursts of {burst}", partial(self._burst, program, who, burst))
                 for burst in BURSTS for who, program in programs.items() if who != LINE]
        return shots + [Shot(f"{who}, round trip", partial(self._trip, program, who))
                        for who, program in programs.items()]

    def _burst(self, program: Path, who: str, burst: int) -> dict[Key, float]:
        told = build.run(program, "burst", str(burst), self._ms)
        return {Key("ring", who, burst): float(told["ns"])}

    def _trip(self, program: Path, who: str) -> dict[Key, float]:
        told = build.run(program, "trip", self._ms)
        return {Key("ring-trip", who): float(told["ns"])}


def _compile(kind: str) -> Path:
    flags = [f'-DRING_KIND="ring_{kind}.h"']
    if kind == "rte":
        flags += [*build.pkg_config("libdpdk"), "-lrte_ring", "-lrte_eal"]
    return build.compiled(f"ring-{kind}", "ring.c", *flags, "-march=native")
