# SPDX-License-Identifier: GPL-2.0
"""Bringing a lab up and taking it down."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from . import ivshmem, uml
from .accel import choose
from .client import ask, run_quiet
from .errors import LabError
from .image import base_image, node0_image
from .kernel import Kernel, kernel
from .klog import STALE, trouble_in, until_emulator_fault
from .layout import plan
from .pair import files as pair_files
from .paths import BUILD, LAB, TOP, kernel_release, slow
from .state import State, all_names
from .target import ARCHES, target

_MODULES = ("vni_shm", "vni")


class EmulatorFault(LabError):
    """The lab did not come up, and QEMU is to blame (lab.rst, "Faults of the emulator")."""

    def __init__(self, text: str, logs: Path) -> None:
        super().__init__(text)
        self.logs = logs


def up(state: State, options: argparse.Namespace) -> int:
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.1f}s] {text}", flush=True)

    if state.alive("daemon"):
        raise LabError(f"lab {state.name} is up already (vni-lab down ends it)")
    config = _configure(state, options, say)
    down(state)
    try:
        _boot(state, config, options.net, time.monotonic() - began)
    except EmulatorFault as error:
        say(f"{STALE}; once more (logs: {error.logs})")
        _boot(state, config, options.net, time.monotonic() - began)
    if options.net:
        say("network: " + ", ".join(f"node {n} 192.168.77.{n + 1} fd77::{n + 1}"
                                    for n in range(config["nodes"])))
    say(f"lab {state.name} is up")
    return 0


def _boot(state: State, config: dict[str, Any], net: bool, offset: float) -> None:
    state.home.mkdir(parents=True, mode=0o700)
    state.save("config.json", config)
    with (state.home / "daemon.log").open("wb") as log:
        subprocess.Popen(
            [sys.executable, str(TOP / "tools" / "vni-lab"), "--daemon", state.name],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )
    _follow(state, offset)
    if not net:
        return
    try:
        network(state, config["nodes"])
    except LabError as error:
        if _stale(state):
            _give_up(state, str(error))
        raise


def _configure(state: State, options: argparse.Namespace, say: Any) -> dict[str, Any]:
    if not 1 <= options.nodes <= 64:
        raise LabError("--nodes: 1 to 64")
    config: dict[str, Any] = {
        "name": state.name, "env": options.env, "nodes": options.nodes,
        "cpus0": options.cpus0, "cpus1": options.cpus1, "mem": options.mem,
        "node_mem": options.node_mem, "window": options.window, "plain": options.plain,
        "append": options.append, "node_append": options.node_append, "qemu": options.qemu,
    }
    if options.env == "ivshmem":
        config.update(arch0=options.arch, arch1=options.node1_arch or options.arch)
        return _configure_machines(config, options, say)
    if options.env == "uml":
        uml.configure(config, options, [_parse_add(text) for text in options.add], say)
        return config
    if options.arch != ARCHES[0] or options.node1_arch:
        raise LabError("--arch, --node1-arch: a partitioned machine is amd64; take --env ivshmem")
    config.update(cpus0=options.cpus0 or 2, cpus1=options.cpus1 or 1,
                  node_mem=options.node_mem or "512M", window=options.window or "64M")
    plan(config)  # complain about sizes before anything is built
    extra = [_parse_add(text) for text in options.add]
    others = options.nodes > 1 and options.env == "partition"  # started by node 0
    if options.env == "pair":
        extra += pair_files()
    first = kernel(kernel_release(options.kver))
    other = kernel(kernel_release(options.node1_kver or options.kver))
    if others:
        _need_starter(options.modules, first, other, extra)
    base = base_image(first, options.modules, extra)
    others_base = base if other == first else base_image(other, options.modules, extra)
    image = node0_image(base, other, others_base) if others else base
    say(f"image of node 0: {image.stat().st_size >> 20} MiB, Linux {first.release}"
        + ("" if other == first else f"; other nodes: Linux {other.release}"))
    config["accel"] = choose(options.accel, first.vmlinuz, base)
    config["vmlinuz"], config["initrd"] = str(first.vmlinuz), str(image)
    return config


def _configure_machines(config: dict[str, Any], options: argparse.Namespace,
                        say: Any) -> dict[str, Any]:
    """Every node is a machine of its own, and no node has the kernel of another in its image."""
    ivshmem.check(config)
    extra = [_parse_add(text) for text in options.add]
    # what is emulated leaves no choice, and all machines are accelerated alike
    foreign = {config["arch0"], config["arch1"]} != {ARCHES[0]}
    config["accel"] = "tcg" if foreign and options.accel == "auto" else options.accel
    for who, series in (("0", options.kver), ("1", options.node1_kver or options.kver)):
        kind = target(config["arch" + who], config["accel"])
        found = kind.kernel(series)
        image = base_image(found, options.modules, extra, kind.programs())
        config["vmlinuz" + who], config["initrd" + who] = str(found.vmlinuz), str(image)
        if who == "0":
            say(f"image: {image.stat().st_size >> 20} MiB, Linux {found.release}")
            if not foreign:
                config["accel"] = choose(options.accel, found.vmlinuz, image)
    return config


def _need_starter(built: Path, first: Kernel, other: Kernel, extra: list[tuple[Path, str]]) -> None:
    for found, name in ((first, "vni_node.ko"), (other, "vni_guest.ko")):
        if not (built / found.release / name).exists():
            raise LabError(f"{name} for {found.release} is not built: make KVER={found.release} "
                           "(or --nodes 1 for node 0 alone)")
    added = [target for _, target in extra]
    if not (BUILD / "bin" / "vni-node").exists() and "/bin/vni-node" not in added:
        raise LabError("the command vni-node is not built: make")


def _parse_add(text: str) -> tuple[Path, str]:
    source, _, target = text.partition(":")
    if not Path(source).is_file():
        raise LabError(f"--add {text}: {source} is not a file")
    return Path(source), target or f"/root/{Path(source).name}"


def _follow(state: State, offset: float) -> None:
    """Show what the daemon does until the lab is up; raises LabError if it does not come up."""
    shown = 0
    until = time.monotonic() + (240 + 30 * state.load("config.json")["nodes"]) * slow()
    started = time.monotonic()
    while time.monotonic() < until:
        time.sleep(0.1)
        phase = state.load("phase.json")
        shown = _show_progress(state, shown, offset)
        if phase and phase["phase"] == "up":
            return
        if phase:
            _give_up(state, phase["why"])
        if time.monotonic() - started > 10 * slow() and not state.alive("daemon"):
            _give_up(state, (state.home / "daemon.log").read_text(errors="replace")
                     or "the lab's daemon has gone")
    _give_up(state, "not up in time")


def _show_progress(state: State, shown: int, offset: float) -> int:
    try:
        lines = (state.home / "progress").read_text().splitlines()
    except OSError:
        return shown
    for line in lines[shown:]:
        stamp, _, text = line.partition("] ")
        seconds = float(stamp.strip("[s ")) + offset
        print(f"[{seconds:5.1f}s] {text}", flush=True)
    return len(lines)


def _give_up(state: State, why: str) -> None:
    """Keep the logs of a lab that did not come up where its successor does not overwrite them."""
    stale = _stale(state)
    logs = []
    for log in sorted(state.home.glob("node*.console")):
        tail = log.read_text(errors="replace").splitlines()[-15:]
        logs += [f"--- {log.name}, last lines", *tail]
    stop(state)
    kept = LAB / f"failed-{state.name}"
    shutil.rmtree(kept, ignore_errors=True)
    state.home.rename(kept)
    text = "\n".join([f"lab {state.name} did not come up: {why}", *logs, f"logs: {kept}"])
    raise EmulatorFault(text, kept) if stale else LabError(text)


def _stale(state: State) -> bool:
    """Whether a kernel of this lab has died of a fault of QEMU's, and of nothing before."""
    for log in state.home.glob("node*.console"):
        before, stale = until_emulator_fault(log.read_text(errors="replace"))
        if stale and not trouble_in(before):
            return True
    return False


def stop(state: State) -> None:
    """End the lab's processes; its directory stays."""
    if state.alive("daemon"):
        try:
            ask(state, {"op": "down"})
        except (LabError, OSError):
            pass
        until = time.monotonic() + 10 * slow()
        while state.alive("daemon") and time.monotonic() < until:
            time.sleep(0.05)
    state.end("daemon", 5)


def down(state: State, keep_logs: Path | None = None) -> int:
    stop(state)
    if keep_logs and state.home.exists():
        copy_logs(state, keep_logs)
    shutil.rmtree(state.home, ignore_errors=True)
    return 0


def copy_logs(state: State, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for pattern in ("*.console", "*.kmsg", "*.log", "progress", "*.json"):
        for log in state.home.glob(pattern):
            shutil.copy(log, target / log.name)


def down_all() -> int:
    for name in all_names():
        down(State(name))
    return 0


def network(state: State, nodes: int) -> None:
    """insmod and addresses on all nodes, as a person would do it."""
    for node in range(nodes):
        script = f"""set -e
            for module in {' '.join(_MODULES)}; do insmod /vni/$module.ko; done
            for try in $(seq 50); do [ -e /sys/class/net/vni0 ] && break; sleep 0.1; done
            ip link set vni0 up
            ip addr add 192.168.77.{node + 1}/24 dev vni0
            ip -6 addr add fd77::{node + 1}/64 dev vni0 nodad"""
        code, _ = run_quiet(state, node, ["sh", "-c", script], 60 * slow())
        if code:
            raise LabError(f"node {node}: the network did not come up (exit code {code})")
