# SPDX-License-Identifier: GPL-2.0
"""A Debian kernel to boot in the lab: downloaded as a package and unpacked, never installed."""

from __future__ import annotations

import lzma
import tempfile
from pathlib import Path
from typing import NamedTuple

from .errors import LabError
from .foreign import REFRESH, Arch
from .packages import Apt, run, unpack
from .paths import LAB

# Modules of the kernel that are put into every node's image, with all that they depend on. The
# names are asked for one by one: what a kernel has built in or lacks is left out silently.
WANTED_MODULES = (
    "virtio_pci virtio_console virtio_net ivshmem uio veth dummy tun ifb bridge br_netfilter 8021q "
    "macvlan ipvlan vxlan bonding pktgen "
    "sch_fq sch_fq_codel sch_netem sch_tbf sch_ingress sch_mqprio sch_multiq sch_prio sch_htb "
    "cls_u32 cls_matchall cls_flower cls_bpf act_mirred act_bpf act_gact "
    "nf_nat nf_tables nft_chain_nat nft_masq nft_ct nft_nat "
    "inet_diag tcp_diag udp_diag raw_diag unix_diag af_packet_diag netlink_diag "
    "crc32c_generic tls tcp_bbr vsock"
).split()


class Kernel(NamedTuple):
    release: str
    vmlinuz: Path
    modules: Path  # .../lib/modules/<release>


def kernel(release: str, arch: Arch | None = None) -> Kernel:
    """The kernel of exactly this release, because that is what our modules were built for.

    arch: where it is not this machine's.
    """
    home = LAB / release
    found = Kernel(release, home / "boot" / f"vmlinuz-{release}", home / "lib/modules" / release)
    if not found.vmlinuz.exists():
        _unpack(release, home, arch)
    return found


def _unpack(release: str, home: Path, arch: Arch | None) -> None:
    package = f"linux-image-{release}"
    LAB.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LAB, prefix="unpack-") as scratch:
        base = Path(scratch)
        debs = base / "debs"
        debs.mkdir()
        print(f"lab: downloading {package} (it is unpacked into {home}, not installed)", flush=True)
        hint = ("If the headers in /lib/modules are older than what the archive has: apt-get update "
                "and upgrade, or tools/deps install")
        apt = arch.apt() if arch else Apt()
        apt.download([package], debs, REFRESH if arch else hint)
        tree = base / "tree"
        unpack(debs, tree)
        run(["depmod", "-b", str(tree), release], base, "depmod failed")
        tree.chmod(0o755)
        try:
            tree.rename(home)
        except OSError as error:
            if not (home / "boot" / f"vmlinuz-{release}").exists():  # else: another lab did it
                raise LabError(f"{home} is incomplete; remove it") from error


def module_closure(found: Kernel) -> list[Path]:
    """The wanted modules and what they depend on, as paths below found.modules."""
    depends: dict[str, list[str]] = {}
    by_name: dict[str, str] = {}
    for line in (found.modules / "modules.dep").read_text().splitlines():
        path, _, rest = line.partition(":")
        depends[path] = rest.split()
        by_name[Path(path).name.split(".")[0].replace("-", "_")] = path
    paths: set[str] = set()
    for name in WANTED_MODULES:
        if name in by_name:
            paths.add(by_name[name])
            paths.update(depends[by_name[name]])
    return [Path(path) for path in sorted(paths)]


def read_module(path: Path) -> bytes:
    """A module's object code; Debian compresses it on some kernels."""
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".ko":
        return data
    raise LabError(f"{path}: compressed in a way that the lab does not know")
