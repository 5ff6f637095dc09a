# SPDX-License-Identifier: GPL-2.0
"""What processors are at, looked at some two thousand times a second: User-Mode Linux nodes by the
host's perf, machines by a sampler of their own (sample.c)."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from demo.lab import Lab

from . import build
from .errors import BenchError
from .results import Group, Key

RATE = 1999  # a second, and not in step with timers
LEAD = 1.2  # seconds until what is looked at is at its speed
COPYING, REST, DRIVERS, PKTGEN = "copying and clearing", "the kernel's rest", "drivers", "pktgen"
PROGRAMS, HOST, ASLEEP = "programs", "the host, system calls", "asleep"
COLUMNS = {"uml": (COPYING, REST, DRIVERS, PKTGEN, PROGRAMS, HOST, ASLEEP),
           "vm": (COPYING, REST, DRIVERS, PKTGEN, PROGRAMS, ASLEEP)}

_LINE = re.compile(r"\s*(\d+) +([0-9a-f]+) (.*) \((.*?)\)$")
_COPIES = re.compile(r"(memcpy|memmove|memset|clear_page|copy_page|rep_movs|rep_stos|copy_user)\w*$")
_IDLE = re.compile(r"(pv_native_safe_halt|native_safe_halt|default_idle|acpi_safe_halt|"
                   r"acpi_idle_do_entry|mwait_idle|io_idle)$")
_UML_FILE = "linux"  # its kernel is a program of that name
_HOST_FILES = ("[kernel.kallsyms]", "[kernel]", "[vdso]", "[guest.kernel.kallsyms]")
_LIBRARY = re.compile(r"(libc|ld-linux)\S*\.so")
_KERNEL, _USER, _PKTGEN = "kernel", "user", "pktgen"  # files


class Sample(NamedTuple):
    """So many times a processor was seen in a function; or the share of the time that it was."""

    count: float
    file: str  # kernel, a module's name, user, or a file of the host's
    symbol: str


class Module(NamedTuple):
    name: str
    start: int
    end: int


def group(name: str, part: str, kind: str, title: str) -> Group:
    """Of shares of the time, for nodes of a kind: "uml" or "vm"."""
    return Group(name, part, f"Where the time goes: {title}", "of the processors' time", "lower",
                 columns=COLUMNS[kind])


def keyed(name: str, kind: str, who: str, found: dict[str, list[Sample]],
          total: float = 0) -> dict[Key, float]:
    """The shares of each end, as shares() has them."""
    return {Key(name, f"{who}, {end}", column): share for end, samples in found.items()
            for column, share in enumerate(shares(samples, kind, total))}


def of_ends(ends: dict[str, int], seconds: float, load: Callable[[float], object],
            one: Callable[[int], list[Sample]]) -> dict[str, list[Sample]]:
    """Both ends of a load at once; `one` looks at a node for so many seconds."""
    with ThreadPoolExecutor(len(ends) + 1) as pool:
        running = pool.submit(load, seconds + 2 * LEAD)
        try:
            time.sleep(LEAD)
            return dict(zip(ends, pool.map(one, ends.values())))
        finally:
            running.result()


# -- User-Mode Linux ---------------------------------------------------------------------------


def need_perf() -> None:
    if not shutil.which("perf"):
        raise BenchError("the host has no command perf (package linux-perf)")


def _perf(*words: str) -> str:
    done = subprocess.run(["perf", *words], capture_output=True, text=True)
    if done.returncode:
        raise BenchError(f"perf {words[0]}: {done.stderr.strip()[-300:]}")
    return done.stdout


def modules(lab: Lab, node: int) -> list[Module]:
    """They lie in the kernel's own memory, of which perf knows no symbols."""
    found = []
    for line in lab.run(node, "cat", "/proc/modules").splitlines():
        words = line.split()
        start = int(words[5], 16)
        found.append(Module(words[0], start, start + int(words[1])))
    return found


def of_processes(path: Path, pids: list[int], seconds: float,
                 known: list[Module]) -> list[Sample]:
    """Of a node's kernel, which is the first of these, and of those that its programs run in, as
    shares of the time. perf has too few samples of processes that run for microseconds at a time,
    so it tells where, and the scheduler tells how long. `path` is for perf's data meanwhile."""
    with ThreadPoolExecutor(1) as pool:
        busy = pool.submit(_busy, pids, seconds)
        _perf("record", "-q", "-e", "cpu-clock", "-F", str(RATE), "-p", ",".join(map(str, pids)),
              "-o", str(path), "--", "sleep", str(seconds))
    lines = _perf("script", "-i", str(path), "-F", "pid,ip,sym,dso").splitlines()
    path.unlink()
    return weighed(parse(lines, pids[0], known), busy.result())


def _busy(pids: list[int], seconds: float) -> float:
    """The part of the time, away from both ends, where perf itself wants a processor."""
    time.sleep(0.3 * seconds)
    began, used = time.monotonic(), on_processor(pids)
    time.sleep(0.6 * seconds)
    return (on_processor(pids) - used) / (time.monotonic() - began)


def on_processor(pids: list[int]) -> float:
    """Seconds that processes had a processor."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[0])  # nanoseconds
            except OSError:  # it has ended meanwhile
                continue
    return total / 1e9


def weighed(samples: list[Sample], busy: float) -> list[Sample]:
    """Of so large a part of the time."""
    count = sum(sample.count for sample in samples)
    return [sample._replace(count=busy * sample.count / count) for sample in samples]


def parse(lines: Iterable[str], kernel: int, known: list[Module]) -> list[Sample]:
    found = []
    for line in lines:
        match = _LINE.match(line)
        if not match:
            continue
        pid, address, symbol = int(match[1]), int(match[2], 16), match[3]
        file = Path(match[4]).name
        if file in _HOST_FILES:
            pass
        elif pid != kernel:
            file = _USER
        elif file != _UML_FILE and not _LIBRARY.match(file):
            file = next((one.name for one in known if one.start <= address < one.end), "module")
        found.append(Sample(1, file, symbol.partition("+")[0]))
    return found


# -- machines ----------------------------------------------------------------------------------


def program() -> Path:
    return build.compiled("sample", "sample.c", "-static")


def of_machine(lab: Lab, seconds: float, node: int) -> list[Sample]:
    """Of all processors of a node that has the program in /usr/bin."""
    text = lab.run(node, "sample", str(seconds), str(RATE), seconds=seconds + 60)
    found = []
    for line in text.splitlines():
        count, file, symbol = line.split(";")
        found.append(Sample(int(count), file, symbol))
    return found


# -- both --------------------------------------------------------------------------------------


def shares(samples: list[Sample], kind: str, total: float = 0) -> list[float]:
    """Of the time, in the order of the kind's columns. What is missing from `total` it was asleep;
    machines are looked at while they are idle, too, and `total` is what all samples make."""
    found = dict.fromkeys(COLUMNS[kind], 0.0)
    if not samples:
        raise BenchError("there are no samples of the node")
    total = total or sum(sample.count for sample in samples)
    for sample in samples:
        found[_column(sample)] += sample.count / total
    found[ASLEEP] = max(0.0, 1 - sum(share for what, share in found.items() if what != ASLEEP))
    return list(found.values())


def _column(sample: Sample) -> str:
    if sample.file == _USER:
        return PROGRAMS
    if sample.file in _HOST_FILES or _LIBRARY.match(sample.file):
        return HOST
    if sample.file not in (_KERNEL, _UML_FILE):
        return PKTGEN if sample.file == _PKTGEN else DRIVERS
    if _IDLE.match(sample.symbol):
        return ASLEEP
    return COPYING if _COPIES.match(sample.symbol) else REST
