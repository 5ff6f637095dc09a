# SPDX-License-Identifier: GPL-2.0
"""DPDK's memif between two processes, each on a CPU of its own: testpmd sends, testpmd receives."""

from __future__ import annotations

import contextlib
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from demo.lab import slow

from . import build
from .errors import BenchError

NAME = "DPDK memif (testpmd)"
MOST = 1500  # bytes: larger ones would need larger buffers than memif has by itself

_PROGRAM = "dpdk-testpmd"
_PROMPT = "testpmd> "
_START = 20.0  # seconds until a process is there
_ANSWER = 10.0
_WARM = 0.1  # seconds before it is counted
_LOOKS = 20  # at the receiver, until the first frames are there


class Stats(NamedTuple):
    """What testpmd tells of a port."""

    received: int  # frames, ever
    sent: int
    rx_rate: float  # frames a second since it was last asked
    tx_rate: float


def parse(text: str) -> Stats:
    """Of `show port stats`; BenchError if that is not what it looks like."""
    values = []
    for name in ("RX-packets", "TX-packets", "Rx-pps", "Tx-pps"):
        found = re.search(rf"\b{name}: +(\d+)", text)
        if not found:
            raise BenchError(f"testpmd tells no {name} of its port:\n{text[-500:]}")
        values.append(int(found[1]))
    return Stats(values[0], values[1], float(values[2]), float(values[3]))


class Testpmd:
    """One process; its worker has a CPU, where the one that reads commands sleeps."""

    def __init__(self, home: Path, role: str, cpu: int, mode: str) -> None:
        if not shutil.which(_PROGRAM):
            raise BenchError(f"{_PROGRAM}: not found; see tools/deps check bench")
        argv = ["stdbuf", "-oL", _PROGRAM, "--no-huge", "--no-pci", "--no-shconf",
                "--no-telemetry", "-m", "128", "--file-prefix", f"vnib{os.getpid()}{role}",
                "--lcores", f"0@{cpu},1@{cpu}",
                f"--vdev=net_memif0,role={role},socket={home / 'memif'}",
                "--", "-i", f"--forward-mode={mode}", "--total-num-mbufs=8192"]
        self._role = role
        # A session of its own: Ctrl-C is for the benchmark, which then ends it.
        self._process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, start_new_session=True,
                                         env={**os.environ, "RUNTIME_DIRECTORY": str(home)})
        try:
            self._until_prompt(_START)
        except BaseException:
            self.end()
            raise

    def ask(self, command: str) -> str:
        """What it says until it wants the next command."""
        assert self._process.stdin
        try:
            self._process.stdin.write(command.encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise BenchError(f"testpmd ({self._role}) takes no command any more") from error
        return self._until_prompt(_ANSWER)

    def stats(self) -> Stats:
        return parse(self.ask("show port stats 0"))

    def end(self) -> None:
        with contextlib.suppress(OSError):
            assert self._process.stdin
            self._process.stdin.write(b"stop\nquit\n")
            self._process.stdin.close()
        try:
            self._process.wait(_ANSWER * slow())
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout
        self._process.stdout.close()

    def _until_prompt(self, seconds: float) -> str:
        """It echoes commands behind the prompt, so one at the end is the next."""
        assert self._process.stdout
        limit = time.monotonic() + seconds * slow()
        out, text = self._process.stdout.fileno(), ""
        while not text.endswith(_PROMPT):
            left = limit - time.monotonic()
            if left <= 0 or not select.select([out], [], [], left)[0]:
                raise BenchError(f"testpmd ({self._role}) does not answer:\n{text[-500:]}")
            data = os.read(out, 65536)
            if not data:
                raise BenchError(f"testpmd ({self._role}) has ended:\n{text[-500:]}")
            text += data.decode(errors="replace")
        return text


class Memif:
    """Both processes. They burn their CPUs only while something is measured."""

    def __init__(self) -> None:
        self._ends: list[Testpmd] = []
        self._home: tempfile.TemporaryDirectory[str] | None = None

    def begin(self) -> None:
        if build.cpus() < 2:
            raise BenchError("two CPUs are needed, one a process, and this process may use one")
        cpus = sorted(os.sched_getaffinity(0))
        self._home = tempfile.TemporaryDirectory(prefix="vni-bench-")
        try:
            for role, cpu, mode in (("server", cpus[1], "rxonly"), ("client", cpus[0], "txonly")):
                self._ends.append(Testpmd(Path(self._home.name), role, cpu, mode))
        except BaseException:
            self.end()
            raise

    def rates(self, size: int, seconds: float) -> tuple[float, float]:
        """Frames a second that were sent and received, as either end counts them."""
        if not self._ends:
            self.begin()
        receiver, sender = self._ends
        try:
            sender.ask(f"set txpkts {size}")
            before = receiver.stats().received
            receiver.ask("start")
            sender.ask("start")
            self._wait_for_frames(receiver, before)
            time.sleep(_WARM)
            first = sender.stats(), receiver.stats()
            time.sleep(seconds)
            sent, received = sender.stats(), receiver.stats()
            sender.ask("stop")
            receiver.ask("stop")
        except BenchError:
            self.end()  # begun anew by the next one
            raise
        if received.received == first[1].received or sent.sent == first[0].sent:
            raise BenchError(f"memif: of frames of {size} B none arrived")
        return sent.tx_rate, received.rx_rate

    def end(self) -> None:
        while self._ends:
            self._ends.pop().end()
        if self._home:
            self._home.cleanup()
            self._home = None

    @staticmethod
    def _wait_for_frames(receiver: Testpmd, before: int) -> None:
        for _ in range(_LOOKS):
            if receiver.stats().received > before:
                return
            time.sleep(0.1 * slow())
        raise BenchError("memif: the two ends do not find each other")
