# SPDX-License-Identifier: GPL-2.0
"""The partitioned machine: node 0 boots in QEMU and starts the others on its spare CPUs."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from .environ import Environment
from .errors import LabError
from .layout import MIB, plan
from .link import Tunnel, call
from .machine import Accelerator, Machine
from .paths import slow

_REATTACH = 0.3  # seconds between looks whether a node runs whose agent is to be reached
_CONSOLE_SOCKET = "console0"
_CONSOLE_LOG = "node0.console"
# tsc=reliable: under TCG the clock watchdog mistakes a busy host for a bad clock.
# no_ipi_broadcast: "all CPUs but this one" would include those of other nodes.
# panic=-1 with QEMU's -no-reboot: a panic ends the machine at once, and is noticed.
# maxcpus=1: init brings the other CPUs up; until then nobody can be hit by a stale breakpoint
# (lab.rst). noreplace-smp: the kernel is not patched for one CPU in between.
# iomem=relaxed: tests write through /dev/mem into the window, and to the local APIC.
_COMMAND_LINE = (
    "console=ttyS0,115200 ignore_loglevel panic=-1 tsc=reliable no_ipi_broadcast=1 "
    "mitigations=off log_buf_len=4M maxcpus=1 noreplace-smp iomem=relaxed vni_lab.node=0"
)

# The others get what belongs to a node from the starter. Like node 0 they do without the page table
# switches that the CPU shown here would ask for: under TCG each one empties the whole TLB. And they
# boot on one CPU, as it does.
NODE_COMMAND_LINE = "mitigations=off maxcpus=1 noreplace-smp"


class Partition(Environment):
    """A window, a pool of memory and some CPUs are kept from node 0 and given out by vni_node."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._layout = plan(self.config)
        self._machine = Machine(self.home)
        self._tasks: list[asyncio.Task[None]] = []
        self._last_words: dict[int, bytes] = {}
        self.pid = 0

    async def start(self) -> None:
        layout = self._layout
        self.say(f"booting node 0: CPUs {layout.cpus[0]}, {layout.memory // MIB} MiB in all, "
                 f"{self.config['accel']}")
        self.pid = await self._machine.start(self._arguments(), self.links[0])
        self._tasks.append(asyncio.create_task(self._watch_machine()))
        await self._wait(0, 60)
        if self.config["nodes"] > 1:
            await self._load_starter()
            for node in range(1, self.config["nodes"]):
                await self._start_node(node)
            for node in range(1, self.config["nodes"]):
                await self._wait(node, 60)

    async def console_log(self, node: int) -> bytes:
        if node == 0:
            return (self.home / _CONSOLE_LOG).read_bytes()
        good, out, err = await call(self.links[0], ["vni-node", "log", str(node)], 20 * slow())
        if not good:
            raise LabError(f"vni-node log {node}: {err}")
        return out.encode()

    def console_command(self, node: int) -> dict[str, Any]:
        if node == 0:
            return {"socket": _CONSOLE_SOCKET}
        return {"node": 0, "argv": ["vni-node", "console", str(node)]}

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self._machine.stop()

    async def kill(self, node: int) -> float:
        self._need_other(node)
        at = time.time()
        await self._on_node0("vni-node", "stop", str(node))
        self.links[node].detach()
        return at

    async def boot(self, node: int) -> None:
        self._need_other(node)
        before = self.links[node].facts.get("boot_id", "")
        await self._on_node0("vni-node", "start", str(node))
        if not await self.links[node].wait_up(60 * slow(), before):
            raise LabError(f"node {node} did not come up in {60 * slow():.0f} s")

    # -- inside ----------------------------------------------------------------------------

    def _arguments(self) -> list[str]:
        layout, config = self._layout, self.config
        append = [_COMMAND_LINE]
        if config["nodes"] > 1:
            append += layout.memmap()
        append += config["append"]
        return [
            *("-name", f"vni-lab-{config['name']}"),
            *("-machine", "q35,usb=off,vmport=off", *Accelerator(config["accel"]).arguments()),
            *("-smp", str(layout.cpu_count), "-m", str(layout.memory // MIB)),
            *("-nodefaults", "-display", "none", "-no-reboot", "-no-user-config"),
            *("-kernel", config["vmlinuz"], "-initrd", config["initrd"]),
            *("-append", " ".join(append)),
            "-chardev",
            f"socket,id=console,path={_CONSOLE_SOCKET},server=on,wait=off,logfile={_CONSOLE_LOG}",
            *("-serial", "chardev:console"),
            *self._machine.port_arguments(),
            *config["qemu"],
        ]

    async def _watch_machine(self) -> None:
        code = await self._machine.ended()
        for link in self.links:
            link.detach()
        said = (self.home / "qemu.log").read_text(errors="replace").strip()
        self.lost_why = f"QEMU ended (exit code {code}): a panic or reboot of node 0? {said}"
        self.lost.set()

    async def _wait(self, node: int, seconds: float) -> None:
        up = asyncio.create_task(self.links[node].wait_up(seconds * slow()))
        lost = asyncio.create_task(self.lost.wait())
        await asyncio.wait([up, lost], return_when=asyncio.FIRST_COMPLETED)
        lost.cancel()
        if self.lost.is_set():
            up.cancel()
            raise LabError(self.lost_why)
        if not up.result():
            if node:
                await self._keep_last_words(node)
            raise LabError(f"node {node} did not come up in {seconds * slow():.0f} s; "
                           f"see the log of its console")
        self.say(f"node {node} is up: Linux {self.links[node].facts.get('release', '?')}")

    @staticmethod
    def _need_other(node: int) -> None:
        if node == 0:
            raise LabError("node 0 is the machine itself: it can neither be killed nor started")

    async def _on_node0(self, *argv: str, seconds: float = 30) -> None:
        good, out, err = await call(self.links[0], list(argv), seconds * slow())
        if not good:
            raise LabError(f"node 0: {' '.join(argv)}: {err or out.strip()}")

    async def _load_starter(self) -> None:
        layout = self._layout
        self.say(f"loading the starter: pool {layout.pool}, window {layout.window}")
        await self._on_node0("insmod", "/vni/vni_node.ko", f"low={layout.low}",
                             f"pool={layout.pool}", f"window={layout.window}")

    async def _start_node(self, node: int) -> None:
        cpus, memory = self._layout.cpus[node], self.config["node_mem"]
        self.say(f"starting node {node}: CPUs {cpus}, {memory}")
        extra = " ".join([NODE_COMMAND_LINE, *self.config["node_append"]])
        await self._on_node0(
            "vni-node", "load", str(node), "--kernel", "/boot/vmlinuz", "--initrd", "/boot/initrd",
            "--cpus", cpus, "--mem", memory, "--cmdline", extra,
        )
        await self._on_node0("vni-node", "start", str(node))
        self._tasks.append(asyncio.create_task(self._keep_attached(node)))

    async def _keep_attached(self, node: int) -> None:
        """The byte stream to a node's agent: a pipe through node 0, laid again when it breaks."""
        link = self.links[node]
        while True:
            if self.links[0].state == "up" and await self._runs(node):
                await self._attach_once(node)
            link.detach()
            await asyncio.sleep(_REATTACH)

    async def _runs(self, node: int) -> bool:
        """Asked first, because an attempt to attach to a node that does not run is logged."""
        look = ["vni-node", "wait", str(node), "running", "--timeout", "0"]
        try:
            return (await call(self.links[0], look, 20 * slow()))[0]
        except LabError:
            return False

    async def _attach_once(self, node: int) -> None:
        link = self.links[node]
        tunnel = Tunnel(link.feed)
        try:
            tunnel.job = self.links[0].run(["vni-node", "attach", str(node), "port"], 0, tunnel)
        except LabError:
            return
        link.attach(tunnel.write)
        try:
            await tunnel.ended.wait()
        finally:
            tunnel.job.kill()
        if link.facts:
            await self._keep_last_words(node)

    async def _keep_last_words(self, node: int) -> None:
        """Its next start empties a node's console; why it went may stand only there."""
        try:
            words = await self.console_log(node)
        except LabError:
            return
        # What a node stopped twice without a start in between says is the same as before.
        before = self._last_words.get(node, b"")
        self._last_words[node] = words
        with (self.home / f"node{node}.console").open("ab") as out:
            out.write(words.removeprefix(before))
