# SPDX-License-Identifier: GPL-2.0
"""What a virtual machine of this or of another architecture is made of."""

from __future__ import annotations

from typing import NamedTuple

from .errors import LabError
from .foreign import ARM64, Arch
from .kernel import Kernel, kernel
from .machine import Accelerator
from .paths import kernel_release
from .programs import ForeignPrograms, HostPrograms, Programs

ARCHES = ["amd64", ARM64.name]


class Target(NamedTuple):
    qemu: str
    machine: str
    cpu: list[str]  # and accelerator
    command_line: str  # the kernel's
    arch: Arch | None  # None: this machine's

    def kernel(self, series: str) -> Kernel:
        return kernel(kernel_release(series, self.arch.name if self.arch else ""), self.arch)

    def programs(self) -> Programs:
        return ForeignPrograms(self.arch) if self.arch else HostPrograms()

    def arguments(self) -> list[str]:
        return ["-machine", self.machine, *self.cpu]


# Of the processors that TCG offers one without pointer authentication, which TCG computes anew for
# each call, and with LSE: an atomic access is then one of the host's and no loop.
_ARM64 = Target(
    qemu="qemu-system-aarch64",
    machine="virt,gic-version=3",
    cpu=["-accel", "tcg,thread=multi", "-cpu", "neoverse-n1"],
    command_line="console=ttyAMA0",
    arch=ARM64,
)


def target(arch: str, accel: str) -> Target:
    """arch: one of ARCHES; accel: tcg, or kvm where it is this machine's."""
    if arch == ARM64.name:
        if accel == "kvm":
            raise LabError(f"--accel kvm: not for {arch}, which is emulated here")
        return _ARM64
    # partition.py says why
    words = "console=ttyS0,115200 tsc=reliable maxcpus=1 noreplace-smp"
    return Target("qemu-system-x86_64", "q35,usb=off,vmport=off", Accelerator(accel).arguments(),
                  words, None)
