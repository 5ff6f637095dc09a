# SPDX-License-Identifier: GPL-2.0
"""What the demo needs before it boots anything: Debian's packages, modules, commands."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

from .errors import DemoError
from .lab import TOP
from .record import Record
from .screen import Step

RR = TOP / "build" / "demo" / "bin" / "rr"
_RR_SOURCE = TOP / "tools" / "demo" / "rr.c"
_FLAGS = "-std=gnu11 -O2 -Wall -Wextra -Werror -static".split()


def packages(record: Record, kver: str, step: Step) -> None:
    """`kver` may be a full release: the headers that it stands for came as some package already."""
    series = [kver] if re.fullmatch(r"\d+\.\d+|uml", kver) else []
    deps = str(TOP / "tools" / "deps")
    done = subprocess.run([deps, "check", *series], capture_output=True, text=True)
    if done.returncode == 0:
        step.result = "nothing is missing"
        return
    lacking = re.search(r"missing: (.*)", done.stderr)
    step.note(f"missing: {lacking[1].strip() if lacking else done.stderr.strip()}")
    if os.geteuid() != 0:
        done = subprocess.run([deps, "install", *series], capture_output=True, text=True)
        raise DemoError(done.stderr.strip())
    step.note("installing it with apt-get")
    _logged([deps, "install", *series], record, "packages.log", "the packages")
    step.result = "installed"


def uml_kernel(record: Record, step: Step) -> None:
    """Built once for all clones on this machine."""
    tool = str(TOP / "tools" / "uml-kernel")
    if subprocess.run([tool, "find"], capture_output=True).returncode == 0:
        step.result = "built already"
        return
    step.note("it is built from Debian's source, once: 10 to 25 minutes on 2 cores; kept below "
              "~/.cache/vni")
    step.note(f"what it does: tail -f {os.path.relpath(record.home / 'uml-kernel.log')}")
    _logged([tool], record, "uml-kernel.log", "User-Mode Linux", _without_make())


def build(record: Record, targets: tuple[str, ...], kver: str) -> None:
    jobs = f"-j{len(os.sched_getaffinity(0))}"
    _logged(["make", jobs, "-C", str(TOP), *targets, f"KVER={kver}"], record, "build.log",
            "the build", _without_make())


def _without_make() -> dict[str, str]:
    """The environment, without what a make that called us has put there."""
    return {name: value for name, value in os.environ.items()
            if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")}


def build_rr(record: Record) -> None:
    """The command that measures round trips: Debian's own tools do not send a single byte."""
    if RR.exists() and RR.stat().st_mtime > _RR_SOURCE.stat().st_mtime:
        return
    RR.parent.mkdir(parents=True, exist_ok=True)
    _logged(["gcc", *_FLAGS, "-o", str(RR), str(_RR_SOURCE)], record, "build-rr.log", "rr.c")


def _logged(argv: list[str], record: Record, log: str, what: str,
            environment: dict[str, str] | None = None) -> None:
    path = record.home / log
    with path.open("w") as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                   env=environment, start_new_session=True)
        try:
            code = process.wait()
        except BaseException:  # Ctrl-C: to all of it, which may tidy up before it goes
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
            raise
    if code:
        tail = "\n".join(path.read_text(errors="replace").splitlines()[-20:])
        raise DemoError(f"{what}: {' '.join(argv[:3])} ...: exit code {code}\n{tail}")


def host() -> dict[str, str]:
    """Where the figures are taken, as far as this machine tells."""
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.*)$", cpuinfo, re.MULTILINE)
    done = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True)
    version = re.search(r"version (\S+)", done.stdout)
    return {
        "processor": model[1].strip() if model else "unknown",
        "cores": str(len(os.sched_getaffinity(0))),
        "qemu": version[1] if version else "none",
    }


def load() -> str:
    """How busy this machine was during the last minute."""
    return Path("/proc/loadavg").read_text().split()[0]
