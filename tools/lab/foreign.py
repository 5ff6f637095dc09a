# SPDX-License-Identifier: GPL-2.0
"""Another architecture than this machine's: what modules and images for it are made from."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import NamedTuple

from .errors import LabError
from .packages import Apt, unpack
from .paths import LAB


class Arch(NamedTuple):
    name: str  # Debian's, and the kernel's
    triple: str  # of the cross compiler

    @property
    def home(self) -> Path:
        return LAB / self.name

    def apt(self) -> Apt:
        return Apt(self.name, self.home / "apt")

    def tool(self, name: str) -> str:
        return f"{self.triple}-{name}"


ARM64 = Arch("arm64", "aarch64-linux-gnu")

REFRESH = "tools/arm64-root reads the lists of packages anew"

# The packages of the programs in image.py. usr-is-merged saves the perl that would merge /usr.
_PROGRAMS = (
    "bash busybox-static dash ethtool iperf3 iproute2 iputils-ping kmod nftables tcpdump "
    "usr-is-merged"
).split()


def release_of(series: str, arch: Arch) -> str:
    """The release that a series stands for in the archive."""
    meta = f"linux-headers-{arch.name}" if series == "6.1" else f"linux-headers-{series}-{arch.name}"
    for name in arch.apt().depends(meta):
        if name.startswith("linux-headers-"):
            return name.removeprefix("linux-headers-")
    raise LabError(f"{meta} does not name a kernel")


def headers(release: str, arch: Arch) -> Path:
    """What modules for this release are built with, as /lib/modules/<release>/build would be."""
    home = arch.home / "modules" / release
    build = home / "build"
    if build.exists():
        return build
    apt = arch.apt()
    version = release.partition(f"-{arch.name}")[0]  # flavours have more behind it
    with _scratch(arch) as scratch:
        debs, tree = Path(scratch) / "debs", Path(scratch) / "tree"
        debs.mkdir()
        # kbuild holds programs that run here; the rest is text.
        apt.download([f"linux-headers-{release}:{arch.name}", f"linux-headers-{version}-common",
                      f"linux-kbuild-{version}:{apt.host_arch()}"], debs, REFRESH)
        unpack(debs, tree)
        _relocate(tree, release, version)
        _settle(tree, home)
    return build


def _relocate(tree: Path, release: str, version: str) -> None:
    """Debian's headers expect to lie in /usr/src."""
    source = f"usr/src/linux-headers-{release}"
    makefile = tree / source / "Makefile"
    common = f"linux-headers-{version}-common/Makefile"
    text = makefile.read_text()
    if f"include /usr/src/{common}" not in text:
        raise LabError(f"linux-headers-{release}: its Makefile is not of the kind that is known")
    here = "$(dir $(realpath $(lastword $(MAKEFILE_LIST))))"
    makefile.write_text(text.replace(f"/usr/src/{common}", f"{here}../{common}"))
    (tree / "build").symlink_to(source)


def programs(arch: Arch) -> Path:
    """A tree with the programs of the image and their libraries."""
    key = hashlib.sha256(" ".join(_PROGRAMS).encode()).hexdigest()[:8]
    home = arch.home / f"programs-{key}"
    if not home.exists():
        with _scratch(arch) as scratch:
            debs, tree = Path(scratch) / "debs", Path(scratch) / "tree"
            debs.mkdir()
            arch.apt().download_closure(_PROGRAMS, debs)
            unpack(debs, tree)
            _settle(tree, home)
    return home


def _scratch(arch: Arch) -> tempfile.TemporaryDirectory[str]:
    arch.home.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(dir=arch.home, prefix="unpack-")


def _settle(tree: Path, home: Path) -> None:
    """Into its place in one step; what another lab has put there meanwhile is as good."""
    tree.chmod(0o755)
    home.parent.mkdir(parents=True, exist_ok=True)
    try:
        tree.rename(home)
    except OSError:
        shutil.rmtree(tree, ignore_errors=True)
