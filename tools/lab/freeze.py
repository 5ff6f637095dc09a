# SPDX-License-Identifier: GPL-2.0
"""Stopping a whole lab as a busy host may: nothing of it runs for a while, its clocks go on, and its
machines are let run again one after the other."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from .errors import LabError
from .state import State


APART = 0.3  # seconds between two machines that go on


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += map(int, task.read_text().split())
    return found


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def freeze(state: State, seconds: float) -> None:
    daemon = state.alive("daemon")
    # what a machine has started itself stands still with it: User-Mode Linux traces its processes
    machines = _children(daemon) if daemon else []
    if not machines:
        raise LabError(f"lab {state.name} has no process to stop; vni-lab up starts it")
    try:
        for machine in machines:
            _signal(machine, signal.SIGSTOP)
        time.sleep(seconds)
    finally:
        for machine in machines:
            _signal(machine, signal.SIGCONT)
            time.sleep(APART)
