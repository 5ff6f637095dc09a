# SPDX-License-Identifier: GPL-2.0
"""Debian's packages: downloaded and unpacked, never installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .errors import LabError


def run(argv: list[str], cwd: Path, hint: str) -> str:
    """Standard output of a command; raises LabError with what it said and the hint."""
    try:
        done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]}: not found; see tools/deps check") from error
    if done.returncode != 0:
        raise LabError(f"{' '.join(argv)}: {done.stderr.strip()}\n{hint}")
    return done.stdout


class Apt:
    """The system's apt; or, with a home of its own, apt for another architecture.

    Adding an architecture to dpkg would change this machine's system. So the other one has lists, a
    cache and a status of its own, and only the sources and the keys are those of the system.
    """

    def __init__(self, arch: str = "", home: Path = Path("/")) -> None:
        self._home = home
        self._options = ["-o", "APT::Sandbox::User=root"]
        if arch:
            self._separate(arch)

    def _separate(self, arch: str) -> None:
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self._home / name).mkdir(parents=True, exist_ok=True)
        status = self._home / "state/status"
        status.touch()
        host = self.host_arch()
        for setting in (
            f"Dir::State={self._home}/state", f"Dir::State::status={status}",
            f"Dir::Cache={self._home}/cache", f"APT::Architecture={arch}",
            f"APT::Architectures::={arch}", f"APT::Architectures::={host}",
        ):
            self._options += ["-o", setting]

    def host_arch(self) -> str:
        return run(["dpkg", "--print-architecture"], self._home, "is this Debian?").strip()

    def update(self) -> None:
        run(["apt-get", "-q", *self._options, "update"], self._home, "cannot read the package lists")

    def depends(self, package: str) -> list[str]:
        """The names of what a package depends on directly."""
        said = run(["apt-cache", *self._options, "depends", package], self._home,
                   f"the archive has no package {package}")
        lines = [line.split() for line in said.splitlines()]
        return [words[1] for words in lines if words[:1] == ["Depends:"]]

    def download(self, packages: list[str], into: Path, hint: str) -> None:
        argv = ["apt-get", "-q", *self._options, "download", *packages]
        run(argv, into, f"cannot download {' '.join(packages)}. {hint}")

    def download_closure(self, packages: list[str], into: Path) -> None:
        """The packages and all that they depend on."""
        options = [*self._options, "-o", f"Dir::Cache::archives={into}/"]
        argv = ["apt-get", "-q", "-y", *options, "--no-install-recommends", "--download-only",
                "install", *packages]
        (into / "partial").mkdir()
        run(argv, into, f"cannot download {' '.join(packages)}")


def unpack(debs: Path, into: Path) -> None:
    for deb in sorted(debs.glob("*.deb")):
        run(["dpkg", "-x", str(deb), str(into)], debs, f"cannot unpack {deb.name}")
