# SPDX-License-Identifier: GPL-2.0
"""The initramfs of a node: Debian's programs, kernel modules, agent and init.

All nodes use the same image; its init finds out where it runs. Node 0 gets a second archive
behind it, which holds the kernel and the image that it gives to the other nodes.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from .cpio import Archive
from .errors import LabError
from .kernel import Kernel, module_closure, read_module
from .paths import CACHE, LAB_SOURCE
from .programs import HostPrograms, Programs

# Busybox has the rest. Its own shell is not used: it prefers its own ip and modprobe to these.
PROGRAMS = "dash bash ip bridge tc ss ethtool iperf3 tcpdump ping kmod".split()
OPTIONAL_PROGRAMS = "nft arping socat numactl".split()
# tcpdump, when root runs it, becomes the user tcpdump.
_PASSWD = b"root:x:0:0:root:/root:/bin/sh\ntcpdump:x:100:100::/tmp:/bin/false\n"
_GROUP = b"root:x:0:\ntcpdump:x:100:\n"
KMOD_NAMES = "modprobe insmod rmmod lsmod modinfo depmod".split()


def build_agent(programs: Programs = HostPrograms()) -> Path:
    """The agent, linked statically; compiled once for each version of its source."""
    sources = sorted(LAB_SOURCE.glob("*.[ch]"))
    key = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:16]
    agent = CACHE / f"{programs.arch}agent-{key}"
    if agent.exists():
        return agent
    CACHE.mkdir(parents=True, exist_ok=True)
    scratch = agent.with_suffix(f".{os.getpid()}")
    flags = "-std=gnu11 -O2 -Wall -Wextra -Werror -static".split()
    units = [str(source) for source in sources if source.suffix == ".c"]
    try:
        done = subprocess.run([programs.compiler, *flags, "-o", str(scratch), *units])
    except FileNotFoundError as error:
        raise LabError(f"{programs.compiler}: not found; see tools/deps check") from error
    if done.returncode != 0:
        raise LabError("the lab's agent does not compile")
    scratch.rename(agent)
    return agent


def _add_program(archive: Archive, programs: Programs, name: str, needed: bool) -> None:
    source = programs.find(name)
    if not source:
        if needed:
            raise LabError(f"the lab needs the program {name}; see tools/deps check")
        return
    archive.copy(f"/usr/bin/{name}", source)
    _add_libraries(archive, programs, source)


def _add_libraries(archive: Archive, programs: Programs, program: Path) -> None:
    for target, library in programs.libraries(program):
        if not archive.has(target):
            archive.copy(target, library)


def _add_busybox(archive: Archive, programs: Programs) -> None:
    busybox = programs.find("busybox")
    if not busybox or programs.libraries(busybox):
        raise LabError("the lab needs a static busybox (busybox-static); see tools/deps check")
    archive.copy("/bin/busybox", busybox)
    # The applets are those of this host's: another architecture's cannot be asked.
    host = HostPrograms().find("busybox")
    if not host:
        raise LabError("busybox: not found; see tools/deps check")
    done = subprocess.run([host, "--list"], capture_output=True, text=True, check=True)
    for applet in done.stdout.split():
        if not archive.has(f"/usr/bin/{applet}") and not archive.has(f"/bin/{applet}"):
            archive.symlink(f"/bin/{applet}", "busybox")


def _add_modules(archive: Archive, programs: Programs, found: Kernel, built: Path) -> None:
    """Debian's modules and ours, with an index of just these."""
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        top = Path(scratch) / "lib/modules" / found.release
        for relative in module_closure(found):
            source = found.modules / relative
            target = top / relative
            if target.suffix != ".ko":
                target = target.with_suffix("")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(read_module(source))
        for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
            if (found.modules / name).exists():
                shutil.copy(found.modules / name, top / name)
        ours = top / "updates" / "vni"
        ours.mkdir(parents=True)
        for source in sorted((built / found.release).glob("*.ko")):
            # Without what only a debugger reads: a fifth of the size to unpack at every boot.
            argv = [programs.strip, "--strip-debug", "-o", str(ours / source.name), str(source)]
            subprocess.run(argv, check=True)
        subprocess.run(["depmod", "-b", scratch, found.release], check=True)
        for path in sorted(top.rglob("*")):
            if path.is_file():
                archive.file(f"/lib/modules/{found.release}/{path.relative_to(top)}",
                             path.read_bytes())
    archive.directory(f"/lib/modules/{found.release}/updates/vni")
    archive.symlink("/vni", f"lib/modules/{found.release}/updates/vni")


def _base(found: Kernel, built: Path, extra: list[tuple[Path, str]],
          programs: Programs) -> Archive:
    archive = Archive()
    archive.console()
    for path in "/proc /sys /dev /run /root /var/tmp /mnt".split():
        archive.directory(path)
    archive.directory("/tmp", 0o1777)
    archive.symlink("/var/run", "../run")
    for name in PROGRAMS:
        _add_program(archive, programs, name, needed=True)
    for name in OPTIONAL_PROGRAMS:
        _add_program(archive, programs, name, needed=False)
    for name in KMOD_NAMES:
        archive.symlink(f"/usr/bin/{name}", "kmod")
        archive.symlink(f"/sbin/{name}", "../usr/bin/kmod")
    archive.symlink("/bin/sh", "../usr/bin/dash")
    archive.symlink("/bin/bash", "../usr/bin/bash")
    _add_busybox(archive, programs)
    _add_modules(archive, programs, found, built)
    archive.copy("/init", LAB_SOURCE / "init")
    archive.file("/etc/passwd", _PASSWD)
    archive.file("/etc/group", _GROUP)
    archive.file("/etc/protocols", b"ip 0 IP\nicmp 1 ICMP\ntcp 6 TCP\nudp 17 UDP\n")
    archive.copy("/bin/agent", build_agent(programs))
    for command in programs.commands():
        archive.copy(f"/bin/{command.name}", command)
        _add_libraries(archive, programs, command)
    for source, target in extra:
        archive.copy(target, source)
    return archive


def _store(data: bytes, kind: str) -> Path:
    """Keep the image under the hash of its content; drop older ones nobody has booted lately."""
    CACHE.mkdir(parents=True, exist_ok=True)
    path = CACHE / f"{kind}-{hashlib.sha256(data).hexdigest()[:16]}"
    if not path.exists():
        scratch = path.with_suffix(f".{os.getpid()}")
        scratch.write_bytes(data)
        scratch.rename(path)
    os.utime(path)
    kept = sorted(CACHE.glob(f"{kind}-*"), key=lambda old: old.stat().st_mtime, reverse=True)
    for old in kept[8:]:
        old.unlink(missing_ok=True)
    return path


def base_image(found: Kernel, built: Path, extra: list[tuple[Path, str]],
               programs: Programs | None = None) -> Path:
    """`built` holds our modules, in a directory for each kernel release."""
    CACHE.mkdir(parents=True, exist_ok=True)
    programs = programs or HostPrograms()
    return _store(_base(found, built, extra, programs).pack(), f"{programs.arch}base")


def node0_image(base: Path, others: Kernel | None, others_base: Path | None) -> Path:
    """The image of node 0: the base, and what it starts the other nodes with."""
    if others is None or others_base is None:
        return base
    more = Archive()
    more.copy("/boot/vmlinuz", others.vmlinuz)
    more.copy("/boot/initrd", others_base)
    return _store(base.read_bytes() + more.pack(), "node0")
