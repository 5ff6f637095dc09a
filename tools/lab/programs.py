# SPDX-License-Identifier: GPL-2.0
"""Where the programs of an image come from: this host, or an unpacked tree of another architecture.

Programs and libraries are pairs: the path in the image, and the file here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from .errors import LabError
from .foreign import Arch, programs
from .paths import BUILD

Files = list[tuple[str, Path]]


class HostPrograms:
    """This host's own."""

    arch = ""  # in names of what is kept
    compiler = "gcc"
    strip = "strip"

    def find(self, name: str) -> Path | None:
        found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
        return Path(found) if found else None

    def libraries(self, program: Path) -> Files:
        """The shared libraries that it needs, and the loader."""
        done = subprocess.run(["ldd", str(program)], capture_output=True, text=True)
        if done.returncode != 0:
            return []  # linked statically
        files = []
        for line in done.stdout.splitlines():
            words = line.replace("=>", " ").split()
            files += [(word, Path(word)) for word in words if word.startswith("/")][:1]
            if "not found" in line:
                raise LabError(f"{program} needs {words[0]}, which this machine lacks")
        return files

    def commands(self) -> list[Path]:
        """Ours, as built."""
        return sorted((BUILD / "bin").glob("*"))


class ForeignPrograms:
    """Debian's for another architecture. They cannot run here, so the files are read instead."""

    def __init__(self, arch: Arch) -> None:
        self.arch = arch.name
        self.compiler = arch.tool("gcc")
        self.strip = arch.tool("strip")
        self._readelf = arch.tool("readelf")
        self._tree = programs(arch)
        # The loader's own place comes first: the kernel finds it by that path.
        self._libraries = ("lib", f"lib/{arch.triple}", f"usr/lib/{arch.triple}")

    def find(self, name: str) -> Path | None:
        for folder in ("usr/bin", "bin", "usr/sbin", "sbin"):
            path = self._tree / folder / name
            if path.exists():
                return path
        return None

    def libraries(self, program: Path) -> Files:
        found: dict[str, Path] = {}
        waiting = [program]
        while waiting:
            for name in self._needed(waiting.pop()):
                target, path = self._library(name, program)
                if target not in found:
                    found[target] = path
                    waiting.append(path)
        return list(found.items())

    def commands(self) -> list[Path]:
        return []  # the starter is for x86

    def _needed(self, path: Path) -> list[str]:
        try:
            done = subprocess.run([self._readelf, "-d", str(path)], capture_output=True, text=True)
        except FileNotFoundError as error:
            raise LabError(f"{self._readelf}: not found; see tools/deps check") from error
        if done.returncode != 0:
            raise LabError(f"{path}: {done.stderr.strip()}")
        lines = [line for line in done.stdout.splitlines() if "(NEEDED)" in line]
        return [line.partition("[")[2].rstrip("]") for line in lines]

    def _library(self, name: str, user: Path) -> tuple[str, Path]:
        for folder in self._libraries:
            path = self._tree / folder / name
            if path.exists():
                return f"/{folder}/{name}", path
        raise LabError(f"{user} needs {name}, which its packages lack")


Programs = HostPrograms | ForeignPrograms
