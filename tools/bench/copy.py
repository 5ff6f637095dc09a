# SPDX-License-Identifier: GPL-2.0
"""The limit: memcpy on one core, from core to core through shared memory, and VNI's frame ring
with nothing around it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from . import build
from .errors import BenchError
from .part import Mode, Part
from .results import Group, Key
from .turns import Shot

CORE, WINDOW = "memcpy on one core", "memcpy from core to core"
RING = "VNI's frame ring, copy in and out"
SIZES = (64, 256, 1024, 1500, 4096, 16384, 65536)

_MODES = {CORE: "core", WINDOW: "window", RING: "ring"}


class Copy(Part):
    name = "copy"
    title = "The limit: copying through shared memory"
    groups = (
        Group("copy", name, "Copying messages", "GB/s", "higher", "bytes a message"),
        Group("copy-frames", name, "Messages copied a second", "million/s", "higher",
              "bytes a message"),
    )

    def __init__(self, mode: Mode) -> None:
        super().__init__(mode)
        self._ms = str(60 if mode.quick else 300)
        self._program = Path()

    def expected(self) -> float:
        return 2 + self.mode.runs * len(SIZES) * 3 * (int(self._ms) / 1000 + 0.03)

    def prepare(self) -> list[Shot]:
        if build.cpus() < 2:
            raise BenchError("two CPUs are needed, and this process may use one")
        self._program = build.compiled("copy", "copy.c", "-march=native")
        return [Shot(f"{who}, {size} B", partial(self._copy, who, size))
                for size in SIZES for who in _MODES]

    def _copy(self, who: str, size: int) -> dict[Key, float]:
        ns = float(build.run(self._program, _MODES[who], str(size), self._ms)["ns"])
        return {Key("copy", who, size): size / ns, Key("copy-frames", who, size): 1000 / ns}
