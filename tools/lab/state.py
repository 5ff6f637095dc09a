# SPDX-License-Identifier: GPL-2.0
"""The directory of one running lab, and who runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import time
from pathlib import Path
from typing import Any

from .errors import LabError
from .paths import RUN


SOCKET = "broker"  # of the daemon, in the directory of its lab


def start_time(pid: int) -> str:
    """When a process was started, in ticks ("": it is gone). A pid used again has another."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except (OSError, IndexError):
        return ""


class State:
    def __init__(self, name: str) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}", name):
            raise LabError(f"{name}: not a name for a lab (letters, digits, '-', '_', '.')")
        self.name = name
        self.home = RUN / name

    # -- the lab's parameters, what its daemon has said -------------------------------------

    def save(self, file: str, value: Any) -> None:
        scratch = self.home / f".{file}.{os.getpid()}"
        scratch.write_text(json.dumps(value, indent=1) + "\n")
        scratch.rename(self.home / file)

    def load(self, file: str) -> Any:
        try:
            return json.loads((self.home / file).read_text())
        except (OSError, ValueError):
            return None

    # -- processes --------------------------------------------------------------------------

    def remember(self, role: str, pid: int) -> None:
        self.save(f"{role}.pid", {"pid": pid, "start": start_time(pid)})

    def alive(self, role: str) -> int:
        """The pid of the lab's process, 0 if that very process is gone."""
        entry = self.load(f"{role}.pid")
        if not isinstance(entry, dict) or not entry.get("start"):
            return 0
        pid = int(entry["pid"])
        return pid if start_time(pid) == entry["start"] else 0

    def end(self, role: str, seconds: float) -> None:
        """End one of our processes: ask, wait, insist."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            pid = self.alive(role)
            if not pid:
                return
            os.kill(pid, number)
            until = time.monotonic() + seconds
            while self.alive(role) and time.monotonic() < until:
                time.sleep(0.05)

    # -- sockets, whose paths may have 107 bytes only ----------------------------------------

    def connect(self, file: str) -> socket.socket:
        try:
            directory = os.open(self.home, os.O_PATH | os.O_DIRECTORY)
        except OSError as error:
            raise LabError(f"lab {self.name} is not up; vni-lab up starts it") from error
        client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            client.connect(f"/proc/self/fd/{directory}/{file}")
        except OSError as error:
            client.close()
            raise LabError(f"lab {self.name} is not up ({error.strerror}); vni-lab up starts it"
                           ) from error
        finally:
            os.close(directory)
        return client


def all_names() -> list[str]:
    return sorted(path.name for path in RUN.glob("*") if path.is_dir())
