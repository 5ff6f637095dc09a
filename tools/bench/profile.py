# SPDX-License-Identifier: GPL-2.0
"""Where the time of a bulk TCP stream goes, in both nodes: a profile by the host's perf."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from demo.record import Record

from .errors import BenchError
from .nodes import DIRECT, IN_PLACE, LO, MIXED, VECTOR, VETH, Nodes
from .part import Mode, Part
from .results import Group, Key
from .streams import BULK, flow
from .turns import Shot

COPY, KERNEL, MODULES, HOST, ASLEEP = "copy", "kernel", "modules", "host", "asleep"
_TITLES = {COPY: "copying and clearing memory",
           KERNEL: "the rest of UML's kernel: protocols, memory, scheduling",
           MODULES: "modules: vni, vni_shm, veth",
           HOST: "the host: system calls, of which each one of a program's needs several",
           ASLEEP: "asleep, waiting for the other side (or for the processor)"}
_WAYS = (MIXED, IN_PLACE, DIRECT, VETH, LO, VECTOR)
_RATE = 1999  # samples a second, and not in step with timers
_LEAD = 0.5  # seconds until the stream is at its speed
_COPIES = re.compile(r"(memcpy|memmove|memset|clear_page|copy_page)\w*$")
_KERNEL_FILE = "linux"  # UML's kernel is a program of that name
_HOST_FILES = ("[kernel.kallsyms]", "[kernel]", "[vdso]", "[guest.kernel.kallsyms]")
_LIBRARY = re.compile(r"(libc|ld-linux)\S*\.so")


class Profile(Part):
    name = "profile"
    title = "Where the time goes, in User-Mode Linux"
    groups = tuple(Group(f"profile-{what}", "profile", f"TCP, writes of 128 KB: {title}",
                         "of the time", "lower") for what, title in _TITLES.items())

    def __init__(self, mode: Mode, nodes: Nodes, record: Record) -> None:
        super().__init__(mode)
        self._nodes = nodes
        self._file = record.home / "perf.data"

    def expected(self) -> float:
        return 8 + self.mode.runs * len(_WAYS) * (self.mode.seconds + 2 * _LEAD + 1.5)

    def prepare(self) -> list[Shot]:
        if not shutil.which("perf"):
            raise BenchError("the host has no command perf (package linux-perf)")
        self._nodes.need()
        return [Shot(way, partial(self._profile, way)) for way in _WAYS if way in self._nodes.ways]

    def mend(self) -> None:
        self._nodes.revive()

    def end(self) -> None:
        self._nodes.settle()
        self._file.unlink(missing_ok=True)

    def _profile(self, name: str) -> dict[Key, float]:
        way = self._nodes.ways[name]
        self._nodes.take(way)
        pids = self._nodes.pids()
        ends = {"sender": pids[0], "receiver": pids[1]} if way.server.node else {"both": pids[0]}
        figures: dict[Key, float] = {}
        for end, pid in ends.items():
            with ThreadPoolExecutor(1) as pool:
                stream = pool.submit(flow, self._nodes.lab, way, "tcp", BULK,
                                     self.mode.seconds + 2 * _LEAD)
                time.sleep(_LEAD)
                samples = _samples(self._file, pid, self.mode.seconds)
                stream.result()
            for what, share in shares(samples, _RATE * self.mode.seconds).items():
                figures[Key(f"profile-{what}", f"{name}, {end}")] = share
        return figures


def _perf(*words: str) -> str:
    done = subprocess.run(["perf", *words], capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"perf {words[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout


def _samples(path: Path, pid: int, seconds: float) -> list[str]:
    """A line each for so many samples of one file and symbol."""
    _perf("record", "-q", "-e", "cpu-clock", "-F", str(_RATE), "-p", str(pid), "-o", str(path),
          "--", "sleep", str(seconds))
    return _perf("report", "-i", str(path), "--stdio", "-t", ";", "-F", "sample,dso,sym",
                 "--sort", "dso,sym").splitlines()


def shares(lines: Iterable[str], all_samples: float) -> dict[str, float]:
    """Of one processor's time; it is asleep where there is no sample."""
    found = dict.fromkeys(_TITLES, 0.0)
    for line in lines:
        fields = [field.strip() for field in line.split(";")]
        if len(fields) < 3 or not fields[0].isdigit():
            continue
        found[_what(fields[1], fields[2])] += int(fields[0]) / all_samples
    if not any(found.values()):
        raise BenchError("perf has no samples of the node")
    found[ASLEEP] = max(0.0, 1 - sum(found.values()))
    return found


def _what(file: str, symbol: str) -> str:
    name = symbol.removeprefix("[k]").removeprefix("[.]").strip()
    if file in _HOST_FILES or _LIBRARY.match(file):
        return HOST
    if file != _KERNEL_FILE:
        return MODULES  # they lie in the kernel's own memory, which is a file without a name
    return COPY if _COPIES.match(name) else KERNEL
