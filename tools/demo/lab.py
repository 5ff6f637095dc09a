# SPDX-License-Identifier: GPL-2.0
"""The nodes of the demo, reached through tools/vni-lab whatever kind they are."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .errors import DemoError
from .where import KINDS

TOP = Path(__file__).resolve().parents[2]
_COMMAND = str(TOP / "tools" / "vni-lab")
_STALE = 3  # exit code of vni-lab dmesg-check: all trouble comes from a fault of QEMU


def slow() -> float:
    """VNI_SLOW, by which the lab multiplies its time limits."""
    try:
        return max(1.0, float(os.environ.get("VNI_SLOW", "1")))
    except ValueError:
        return 1.0


def _follow(lines: Iterable[str], say: Callable[[str], None]) -> str:
    """Pass on what `vni-lab up` reports; return what else it says."""
    other = []
    for line in lines:
        found = re.match(r"\[ *[\d.]+s\] (.*)", line)
        if found or line.startswith("lab: "):
            say(found[1] if found else line.strip())
        else:
            other.append(line)
    return "".join(other).strip()


class Lab:
    def __init__(self, name: str, env: str, kver: str, options: list[str]) -> None:
        self.name = name
        self.env = env
        self.kver = kver
        self._options = options
        self.ours = False

    # -- life --------------------------------------------------------------------------------

    def up(self, add: list[str], say: Callable[[str], None]) -> None:
        """Boot the nodes; `say` gets what the lab reports on the way."""
        if self.status()["phase"] != "down":
            raise DemoError(f"a lab of the name {self.name} is up already; end it with: "
                            f"tools/vni-lab --name {self.name} down")
        argv = [_COMMAND, "--name", self.name, "up", "--env", self.env, "--kver", self.kver,
                *(f"--add={what}" for what in add), *KINDS[self.env].up, *self._options]
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True) as process:
            assert process.stdout
            self.ours = True
            try:
                other = _follow(process.stdout, say)
            except BaseException:
                process.terminate()
                raise
        if process.returncode:
            raise DemoError(other or "vni-lab up failed")

    def down(self, keep_logs: Path) -> None:
        """Of a lab that this process brought up; another's of the same name stays."""
        if self.ours:
            self.ours = False
            self._call("down", "--keep-logs", str(keep_logs), timeout=60)

    def leave(self) -> None:
        self.ours = False

    def status(self) -> dict[str, Any]:
        done = self._call("status", "--json", timeout=30)
        try:
            value: dict[str, Any] = json.loads(done.stdout)
            return value
        except ValueError:
            return {"phase": "gone", "why": done.stderr.strip(), "nodes": []}

    # -- commands in nodes -------------------------------------------------------------------

    def run(self, node: int, *argv: str, seconds: float = 30) -> str:
        """Standard output of a command; DemoError with what it said if it fails."""
        done = self._call("exec", "--timeout", str(seconds), str(node), "--", *argv,
                          timeout=seconds + 30)
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip())[-2000:]
            raise DemoError(f"node {node}: {' '.join(argv)}: exit code {done.returncode}\n{said}")
        return done.stdout

    def sh(self, node: int, script: str, seconds: float = 30) -> str:
        return self.run(node, "sh", "-ec", script, seconds=seconds)

    def silent(self) -> list[int]:
        """The nodes that do not answer any more."""
        return [node["node"] for node in self.status()["nodes"] if node["state"] != "up"]

    def console(self, node: int) -> str:
        return self._call("log", str(node), timeout=30).stdout

    def kernel_log(self, node: int) -> str:
        return self._call("log", "-k", str(node), timeout=30).stdout

    def check_logs(self) -> None:
        done = self._call("dmesg-check", timeout=60)
        if done.returncode:
            raise DemoError(done.stdout.strip() + done.stderr.strip())

    def spoilt(self) -> bool:
        """Whether a kernel has died of a fault of QEMU's."""
        with contextlib.suppress(DemoError):
            return self.ours and self._call("dmesg-check", timeout=60).returncode == _STALE
        return False

    def _call(self, *words: str, timeout: float) -> subprocess.CompletedProcess[str]:
        argv = [_COMMAND, "--name", self.name, *words]
        try:
            return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  errors="replace", timeout=timeout * slow())
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"{' '.join(words[:6])}: no end after {timeout * slow():.0f} s"
                            ) from error
