# SPDX-License-Identifier: GPL-2.0
"""What QEMU is asked for by a virtual machine of either architecture."""

from __future__ import annotations

from typing import NamedTuple

from .foreign import ARM64, Arch
from .machine import Accelerator
from .programs import ForeignPrograms, HostPrograms, Programs


class Target(NamedTuple):
    qemu: str
    machine: str
    cpu: list[str]  # and accelerator
    console: str  # as the kernel calls it
    arch: Arch | None  # None: this machine's

    def programs(self) -> Programs:
        return ForeignPrograms(self.arch) if self.arch else HostPrograms()


# Of the processors that TCG offers one without pointer authentication, whose every use TCG computes,
# and with LSE: an atomic access is then one of the host's and no loop.
_ARM64 = Target(
    qemu="qemu-system-aarch64",
    machine="virt,gic-version=3",
    cpu=["-accel", "tcg,thread=multi", "-cpu", "neoverse-n1"],
    console="ttyAMA0",
    arch=ARM64,
)


def target(arch: str, accel: str) -> Target:
    """arch: "arm64", or "" for this machine's; accel: tcg or kvm."""
    if arch == ARM64.name:
        return _ARM64
    return Target("qemu-system-x86_64", "q35,usb=off,vmport=off", Accelerator(accel).arguments(),
                  "ttyS0,115200", None)
