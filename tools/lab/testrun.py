# SPDX-License-Identifier: GPL-2.0
"""Running selftests against a lab: one script after the other, a whole lab for each."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from . import ktap
from .commands import CODE_STALE
from .klog import STALE
from .ktap import FAIL, LOST, TIMEOUT, Result
from .paths import TOP, slow

_LAB = TOP / "tools" / "vni-lab"
_SCRIPT_SECONDS = 180.0
# A socket that wants time stamps, for good: else every ping of a test switches them on and off for
# all sockets, which patches the running kernel's text (lab.rst, "Faults of the emulator").
_STAMPS = "cp /usr/bin/ping /run/stamps && exec /run/stamps -q -i 86400 -I lo 127.0.0.1"
_SETTLE_SECONDS = 15.0  # for a node to answer again after a script


class Script:
    """A selftest; comments in its head say what it needs: "# timeout: 300", "# lab: --nodes 3"."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.stem
        head = path.read_text().split("\n\n", 1)[0]
        self.timeout = _SCRIPT_SECONDS
        if found := re.search(r"^# timeout: (\d+)$", head, re.MULTILINE):
            self.timeout = float(found[1])
        found = re.search(r"^# lab: (.*)$", head, re.MULTILINE)
        self.lab = found[1].split() if found else []
        found = re.search(r"^# env: (.*)$", head, re.MULTILINE)
        self.envs = found[1].split() if found else []


class Lab:
    """The lab that the scripts share; brought up when needed, again after it was broken."""

    def __init__(self, name: str, options: list[str], logs: Path) -> None:
        self.name = name
        self._options = options
        self._logs = logs
        self._has: list[str] | None = None
        self._count = 0
        self.up_failures = 0
        self.notes: list[str] = []  # what befell a lab and does not count as a failure
        self.releases: list[str] = []  # of the kernels of the lab that is up, node by node

    def ensure(self, wanted: list[str]) -> str:
        """"" or why there is no lab."""
        if self._has == wanted:
            return ""
        self.down()
        self.releases = []
        self._count += 1
        done = subprocess.run([_LAB, "up", "--name", self.name, *wanted, *self._options],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        (self._logs / f"lab-{self._count}.up.log").write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            self.up_failures += 1
            return done.stderr.strip() or "vni-lab up failed"
        self.up_failures = 0
        if STALE in done.stdout:
            self.notes.append(f"lab-{self._count} came up at the second attempt: {STALE}")
        self._has = wanted
        self._mark.unlink(missing_ok=True)
        self._meet_nodes()
        return ""

    def _meet_nodes(self) -> None:
        """Note which kernels they run, and have them hold time stamps."""
        done = subprocess.run([_LAB, "status", "--json", "--name", self.name],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True)
        for node in json.loads(done.stdout or '{"nodes": []}')["nodes"]:
            self.releases.append(node.get("release", ""))
            subprocess.run([_LAB, "exec", "--name", self.name, str(node["node"]), "-d", "--",
                            "sh", "-c", _STAMPS], stdin=subprocess.DEVNULL, capture_output=True)

    def down(self) -> None:
        if self._has is None:
            return
        self._has = None
        subprocess.run([_LAB, "down", "--name", self.name, "--keep-logs", self.last_logs],
                       stdin=subprocess.DEVNULL, check=False)

    def trouble(self, allow: Path) -> tuple[str, bool]:
        """What the kernels complained about since the last call; whether QEMU is to blame."""
        done = subprocess.run(
            [_LAB, "dmesg-check", "--name", self.name, "--mark", self._mark, "--allow", allow],
            stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if done.returncode == 0:
            return "", False
        said = done.stdout + done.stderr or f"dmesg-check: exit code {done.returncode}"
        return said, done.returncode == CODE_STALE

    def missing(self) -> str:
        """"" if every node answers, else which does not."""
        until = time.monotonic() + _SETTLE_SECONDS * slow()
        while True:
            done = subprocess.run([_LAB, "status", "--json", "--name", self.name],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            if done.returncode == 0:
                return ""
            status = json.loads(done.stdout) if done.stdout else {"phase": "gone", "nodes": []}
            if status["phase"] != "up":
                return f"the lab is {status['phase']}: {status.get('why', '')}"
            if time.monotonic() > until:
                silent = [str(n["node"]) for n in status["nodes"] if n["state"] != "up"]
                return f"node {', '.join(silent)} does not answer"
            time.sleep(0.5)

    def kind(self, wanted: list[str]) -> dict[str, Any]:
        """What a script that asked for `wanted` ran on; no releases if no lab came up for it."""
        return {"plain": "--plain" in [*wanted, *self._options],
                "releases": list(dict.fromkeys(self.releases))}

    @property
    def last_logs(self) -> Path:
        """Where the logs of the lab that is up, or was last, are kept when it goes down."""
        return self._logs / f"lab-{self._count}"

    @property
    def _mark(self) -> Path:
        return self._logs / "kernel-log.mark"


_LOG_IS_CLEAN = "kernel logs are clean"


def _may_be_chance(results: list[Result]) -> list[Result]:
    """The failures, if a busy machine may have brought them about: what a kernel complained of
    and a node or lab that is gone are no chance."""
    bad = [result for result in results if result.outcome in (FAIL, TIMEOUT, LOST)]
    sure = any(result.outcome == LOST or result.name == _LOG_IS_CLEAN for result in bad)
    return [] if sure else bad


class Runner:
    def __init__(self, lab: Lab, logs: Path, env: dict[str, str], again: bool = False) -> None:
        self._lab = lab
        self._logs = logs
        self._again = again
        self.kinds: dict[str, dict[str, Any]] = {}  # of lab, by script
        self._env = {**os.environ, **env, "VNI_LAB": lab.name, "VNI_LAB_COMMAND": str(_LAB)}

    def run(self, script: Script) -> list[Result]:
        """Its results. A script that a fault of QEMU's struck is run once more, in a new lab, and
        with `again` one that failed without a word from a kernel. A note tells of it."""
        results, stale = self._once(script)
        if stale:
            why = f"was run once more: {STALE}"
        elif self._again and (bad := _may_be_chance(results)):
            why = f"failed and was run once more: {'; '.join(result.name for result in bad)}"
        else:
            return results
        self._lab.down()
        log = self._logs / f"{script.name}.log"
        first = log.rename(self._logs / f"{script.name}.first.log")
        self._lab.notes.append(f"{script.name} {why} (first try: {first.name}, "
                               f"{self._lab.last_logs.name})")
        return self._once(script)[0]

    def _once(self, script: Script) -> tuple[list[Result], bool]:
        self.kinds[script.name] = {**self._lab.kind(script.lab), "releases": []}
        if self._lab.up_failures >= 2:
            why = "not tried: it did not, twice"
            return [Result(script.name, "the lab comes up", LOST, why)], False
        why = self._lab.ensure(script.lab)
        if why:
            return [Result(script.name, "the lab comes up", LOST, why)], False
        self.kinds[script.name] = self._lab.kind(script.lab)
        allow = self._logs / f"{script.name}.allow"
        allow.unlink(missing_ok=True)
        code, output = self._execute(script, allow)
        results = ktap.read(script.name, output)
        whole = True
        if code is None:
            # What a script cut short has not said about its form is no news.
            results = [result for result in results if result.name != "form of its output"]
            detail = f"no end after {script.timeout * slow():.0f} s"
            results.append(Result(script.name, "ends in time", TIMEOUT, detail))
            whole = False
        elif code not in (0, 4) and all(result.outcome != FAIL for result in results):
            results.append(Result(script.name, "exit code", FAIL, f"it is {code}"))
        trouble, stale = self._lab.trouble(allow)
        if trouble:
            results.append(Result(script.name, _LOG_IS_CLEAN, FAIL, trouble))
            whole = False
        missing = self._lab.missing()
        if missing:
            results.append(Result(script.name, "all nodes are still there", LOST, missing))
            whole = False
        if not whole:
            self._lab.down()
        return results, stale

    def _execute(self, script: Script, allow: Path) -> tuple[int | None, str]:
        """Exit code, None when it had to be killed; standard output with errors among it."""
        log = self._logs / f"{script.name}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                ["/bin/sh", script.path], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                cwd=TOP, start_new_session=True, env={**self._env, "VNI_LOG_ALLOW": str(allow)},
            )
            try:
                code: int | None = process.wait(script.timeout * slow())
            except subprocess.TimeoutExpired:
                code = None
            # Also what the script has left behind: its process group is ours to end.
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        return code, log.read_text("utf-8", "replace")
