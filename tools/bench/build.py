# SPDX-License-Identifier: GPL-2.0
"""The programs that measure, compiled when a part wants them, and run."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

from demo.lab import TOP, slow

from .errors import BenchError

BIN = TOP / "build" / "bench" / "bin"
_SOURCE = TOP / "tools" / "bench"
_FLAGS = [*"-std=gnu11 -O2 -Wall -Wextra -Werror".split(), f"-I{TOP}/include",
          f"-I{TOP}/shmem_ring", f"-I{_SOURCE}"]


def compiled(program: str, source: str, *flags: str) -> Path:
    """Anew every time: it takes a second, and what is measured is then certainly this source."""
    BIN.mkdir(parents=True, exist_ok=True)
    path = BIN / program
    compiler = os.environ.get("CC", "cc")
    argv = [compiler, *_FLAGS, "-o", str(path), str(_SOURCE / source), *flags, "-lpthread"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise BenchError(f"{compiler}: not found; see tools/deps check") from error
    if done.returncode:
        raise BenchError(f"{source} does not compile as {program}:\n{_first_error(done.stderr)}")
    return path


def _first_error(text: str) -> str:
    errors = [line for line in text.splitlines() if "error" in line]
    return (errors or text.splitlines() or ["the compiler says nothing"])[0]


def pkg_config(package: str) -> list[str]:
    """A package's compiler flags, its headers being those of the system."""
    try:
        done = subprocess.run(["pkg-config", "--cflags", package], capture_output=True, text=True)
    except FileNotFoundError as error:
        raise BenchError("pkg-config: not found; see tools/deps check bench") from error
    if done.returncode:
        raise BenchError(f"pkg-config knows no {package}; see tools/deps check bench")
    return ["-isystem" + flag[2:] if flag.startswith("-I") else flag
            for flag in shlex.split(done.stdout)]


def cpus() -> int:
    return len(os.sched_getaffinity(0))


def run(program: Path, *arguments: str, seconds: float = 10) -> dict[str, Any]:
    """What a program of ours says as JSON."""
    try:
        done = subprocess.run([str(program), *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=seconds * slow())
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"{program.name} {' '.join(arguments)}: no end after "
                         f"{seconds * slow():.0f} s") from error
    if done.returncode:
        raise BenchError(f"{program.name} {' '.join(arguments)}: {done.stderr.strip()}")
    value: dict[str, Any] = json.loads(done.stdout)
    return value
