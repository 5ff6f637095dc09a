# SPDX-License-Identifier: GPL-2.0
"""KVM or TCG? Found out by booting a stock kernel under KVM: opening /dev/kvm proves nothing."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

from .errors import LabError
from .machine import Accelerator, die_with_parent
from .paths import CACHE, slow

_PROBE_SECONDS = 20
_PROBE_EXIT = 0x10 << 1 | 1  # what QEMU makes of the byte that init writes to the exit device


def choose(wish: str, vmlinuz: Path, initrd: Path) -> str:
    if wish == "tcg":
        return "tcg"
    works = kvm_works(vmlinuz, initrd)
    if wish == "kvm" and not works:
        raise LabError("KVM does not boot a kernel on this machine; use --accel tcg")
    return "kvm" if works else "tcg"


def kvm_works(vmlinuz: Path, initrd: Path) -> bool:
    """The answer is kept until this machine's next boot."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    key = hashlib.sha256(f"{boot_id} {vmlinuz.name}".encode()).hexdigest()[:16]
    answer = CACHE / f"kvm-{key}.json"
    if answer.exists():
        return bool(json.loads(answer.read_text())["works"])
    print("lab: does KVM work here? booting a kernel to see", flush=True)
    works = _probe(vmlinuz, initrd)
    print(f"lab: {'yes' if works else 'no: TCG is used'}", flush=True)
    answer.write_text(json.dumps({"works": works}) + "\n")
    return works


def _probe(vmlinuz: Path, initrd: Path) -> bool:
    argv = [
        *("qemu-system-x86_64", "-machine", "q35", *Accelerator("kvm").arguments()),
        *("-smp", "2", "-m", "512", "-nodefaults", "-display", "none", "-no-reboot"),
        *("-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"),
        *("-kernel", str(vmlinuz), "-initrd", str(initrd), "-append", "vni_lab.probe quiet"),
    ]
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, preexec_fn=die_with_parent,
            timeout=_PROBE_SECONDS * slow(),
        )
    except subprocess.TimeoutExpired:
        return False
    except FileNotFoundError as error:
        raise LabError("qemu-system-x86_64: not found; see tools/deps check") from error
    return done.returncode == _PROBE_EXIT
