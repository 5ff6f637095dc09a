# SPDX-License-Identifier: GPL-2.0
"""Virtual machines that share a window through QEMU's ivshmem device, each one node."""

from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path
from typing import Any

from .environ import Environment
from .errors import LabError
from .layout import MIB, parse_size
from .machine import Machine, die_with_parent
from .paths import BUILD, slow
from .qmp import Monitor
from .target import Target, target

_SERVER = BUILD / "bin" / "ivshmem-server"
_SLOTS = 2  # devices that a machine can have
_VECTORS = 16
_BOOT_SECONDS = 90
_COMMAND_LINE = "ignore_loglevel panic=-1 mitigations=off log_buf_len=1M"


def check(config: dict[str, Any]) -> None:
    """Complain about what cannot be, before anything is built."""
    memory = config["node_mem"] = config["node_mem"] or "256M"
    # 16M are a seat, unless the modules are told otherwise; there are at least 4 seats.
    seats = max(4, 1 << (config["nodes"] - 1).bit_length())
    config["window"] = config["window"] or f"{16 * seats}M"
    size = parse_size(config["window"])
    if size < MIB or size & (size - 1):
        raise LabError("--window: a power of two, 1M or more: it is a PCI device's memory")
    if parse_size(memory) < 192 * MIB:
        raise LabError("--node-mem: at least 192M")
    if not config["plain"] and not _SERVER.exists():
        raise LabError("ivshmem-server is not built: make tools")


class Server:
    """One ivshmem-server and the file of its window; without doorbells the file alone."""

    def __init__(self, home: Path, slot: int) -> None:
        self._home = home
        self.socket = f"ivshmem{slot}"
        key = hashlib.sha256(str(home).encode()).hexdigest()[:8]
        self.window = Path(f"/dev/shm/vni-lab-{home.name}-{key}-{slot}")
        self._log = f"ivshmem{slot}.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self, size: int) -> None:
        if self._process and self._process.returncode is None:
            return
        with (self._home / self._log).open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(_SERVER), "--socket", self.socket, "--window", str(self.window),
                "--size", f"{size // MIB}M", "--vectors", str(_VECTORS), "--mode", "600",
                cwd=self._home, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
                preexec_fn=die_with_parent,
            )
        until = asyncio.get_running_loop().time() + 5 * slow()
        while not (self._home / self.socket).is_socket():
            if self._process.returncode is not None or \
                    asyncio.get_running_loop().time() > until:
                said = (self._home / self._log).read_text(errors="replace").strip()
                raise LabError(f"ivshmem-server did not start: {said}")
            await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self._process and self._process.returncode is None:
            self._process.terminate()
            await self._process.wait()
        self.window.unlink(missing_ok=True)


class Node:
    """One virtual machine, from one boot to the next."""

    def __init__(self) -> None:
        self.machine: Machine | None = None
        self.watch: asyncio.Task[None] | None = None
        self.changing = asyncio.Lock()  # held by whoever kills, boots, plugs


class Ivshmem(Environment):
    """As many QEMUs as nodes. Node N has seat N as long as one boots at a time: see _boot()."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._nodes = [Node() for _ in self.links]
        self._servers = [Server(self.home, slot) for slot in range(_SLOTS)]

    async def start(self) -> None:
        for server in self._servers:
            server.window.unlink(missing_ok=True)  # of a lab whose daemon was killed
        if not self.config["plain"]:
            await self._servers[0].start(parse_size(self.config["window"]))
        booting: list[asyncio.Task[None]] = []
        room = max(2, os.cpu_count() or 1)  # more at once would only slow each other down
        try:
            for node in range(len(self.links)):
                self.say(f"booting node {node}: {self._cpus(node)}, {self._memory(node)} MiB, "
                         f"{self.config['accel']}")
                await self._begin(node)
                booting.append(asyncio.create_task(self._wait(node)))
                if len(booting) >= room:
                    await booting.pop(0)
            for task in booting:
                await task
        finally:
            for task in booting:
                task.cancel()

    async def console_log(self, node: int) -> bytes:
        return (self.home / f"node{node}.console").read_bytes()

    def console_command(self, node: int) -> dict[str, Any]:
        return {"socket": f"console{node}"}

    async def stop(self) -> None:
        machines = [node.machine for node in self._nodes if node.machine]
        for node in self._nodes:
            if node.watch:
                node.watch.cancel()
        await asyncio.gather(*(machine.stop() for machine in machines))
        for server in self._servers:
            await server.stop()

    async def kill(self, node: int) -> float:
        async with self._nodes[node].changing:
            machine = self._running(node)
            at = await machine.kill()
            self._nodes[node].machine = None
            self.links[node].detach()
            self.say(f"node {node} is killed")
            return at

    async def boot(self, node: int) -> None:
        async with self._nodes[node].changing:
            if self._nodes[node].machine:
                raise LabError(f"node {node} runs")
            await self._begin(node)
        await self._wait(node)

    async def plug(self, node: int, slot: int) -> None:
        server = self._server(slot)
        async with self._nodes[node].changing:
            self._running(node)
            if not self.config["plain"]:
                await server.start(parse_size(self.config["window"]))
            async with Monitor(f"qmp{node}") as monitor:
                await self._plug(monitor, server, slot)

    async def unplug(self, node: int, slot: int) -> None:
        self._server(slot)
        if not self.config["plain"] and self.config["accel"] != "kvm":
            # It goes on watching the device's eventfds, whose numbers the next files get.
            raise LabError("unplug: without KVM QEMU dies when a device with doorbells is unplugged "
                           "(lab.rst); let the guest do it: echo 1 >/sys/bus/pci/devices/*/remove")
        async with self._nodes[node].changing:
            self._running(node)
            async with Monitor(f"qmp{node}") as monitor:
                await monitor.run("device_del", id=f"window{slot}")
                gone = monitor.event("DEVICE_DELETED", device=f"window{slot}")
                try:
                    await asyncio.wait_for(gone, 20 * slow())
                except asyncio.TimeoutError:
                    raise LabError(f"node {node} does not let go of the device in slot {slot}"
                                   ) from None
                if self.config["plain"]:
                    await monitor.run("object-del", id=f"memory{slot}")
                else:
                    await monitor.run("chardev-remove", id=f"server{slot}")

    async def restart_server(self) -> None:
        """Its window goes with it: nodes that have the old one do not meet those of the new one."""
        if self.config["plain"]:
            raise LabError("server: a window without doorbells has none")
        await self._servers[0].stop()
        await self._servers[0].start(parse_size(self.config["window"]))

    async def qmp(self, node: int, command: dict[str, Any]) -> Any:
        self._running(node)
        async with Monitor(f"qmp{node}") as monitor:
            return await monitor.raw(command)

    # -- inside ----------------------------------------------------------------------------

    def _running(self, node: int) -> Machine:
        machine = self._nodes[node].machine
        if not machine:
            raise LabError(f"node {node} does not run (vni-lab start {node} boots it)")
        return machine

    def _server(self, slot: int) -> Server:
        if not 0 <= slot < _SLOTS:
            raise LabError(f"slot {slot}: a machine has slots 0 to {_SLOTS - 1}")
        return self._servers[slot]

    async def _plug(self, monitor: Monitor, server: Server, slot: int) -> None:
        place = {"id": f"window{slot}", "bus": f"slot{slot}"}
        if self.config["plain"]:
            await monitor.run("object-add", **{
                "qom-type": "memory-backend-file", "id": f"memory{slot}", "share": True,
                "mem-path": str(server.window), "size": parse_size(self.config["window"])})
            await monitor.run("device_add", driver="ivshmem-plain", memdev=f"memory{slot}", **place)
            return
        address = {"type": "unix", "data": {"path": server.socket}}
        await monitor.run("chardev-add", id=f"server{slot}", backend={
            "type": "socket", "data": {"addr": address, "server": False}})
        try:
            await monitor.run("device_add", driver="ivshmem-doorbell", vectors=_VECTORS,
                              chardev=f"server{slot}", **place)
        except LabError:
            await monitor.run("chardev-remove", id=f"server{slot}")
            raise

    def _cpus(self, node: int) -> str:
        """Never one CPU and no more to come: TCG would then leave out the barriers, and the other
        machines would see this one's stores in another order."""
        asked = self.config["cpus0" if node == 0 else "cpus1"]
        count = int(asked or (2 if len(self.links) <= 2 else 1))
        return str(count) if count > 1 else "1,maxcpus=2"

    def _target(self, node: int) -> Target:
        return target(self.config["arch0" if node == 0 else "arch1"], self.config["accel"])

    def _memory(self, node: int) -> int:
        return parse_size(self.config["node_mem"]) // MIB

    def _device(self) -> list[str]:
        server = self._servers[0]
        if self.config["plain"]:
            return [
                *("-object", "memory-backend-file,id=memory0,share=on,"
                  f"mem-path={server.window},size={parse_size(self.config['window'])}"),
                *("-device", "ivshmem-plain,id=window0,bus=slot0,memdev=memory0"),
            ]
        return [
            *("-chardev", f"socket,id=server0,path={server.socket}"),
            *("-device", "ivshmem-doorbell,id=window0,bus=slot0,chardev=server0,"
              f"vectors={_VECTORS}"),
        ]

    def _arguments(self, node: int, machine: Machine) -> list[str]:
        config, other = self.config, "0" if node == 0 else "1"
        room = 2 * parse_size(config["window"])
        kind = self._target(node)
        append = [kind.command_line, _COMMAND_LINE, f"vni_lab.node={node}",
                  *config["append" if node == 0 else "node_append"]]
        slots = []
        for slot in range(_SLOTS):
            slots += ["-device", f"pcie-root-port,id=slot{slot},chassis={slot + 1},"
                      f"pref64-reserve={room}"]
        return [
            *("-name", f"vni-lab-{config['name']}-{node}"),
            *kind.arguments(),
            *("-smp", self._cpus(node), "-m", str(self._memory(node))),
            *("-nodefaults", "-display", "none", "-no-reboot", "-no-user-config"),
            *("-kernel", config["vmlinuz" + other], "-initrd", config["initrd" + other]),
            *("-append", " ".join(append)),
            "-chardev", f"socket,id=console,path=console{node},server=on,wait=off,"
            f"logfile=node{node}.console,logappend=on",
            *("-serial", "chardev:console"),
            *("-chardev", f"socket,id=qmp,path=qmp{node},server=on,wait=off"),
            *("-mon", "chardev=qmp,mode=control"),
            *slots, *self._device(),
            *machine.port_arguments(),
            *config["qemu"],
        ]

    async def _begin(self, node: int) -> None:
        """Returns when the machine's device has its seat: the next one gets the next."""
        machine = Machine(self.home, f"qemu{node}.log", self._target(node).qemu)
        pid = await machine.start(self._arguments(node, machine), self.links[node])
        self._nodes[node].machine = machine
        self._nodes[node].watch = asyncio.create_task(self._watch(node, machine))
        until = asyncio.get_running_loop().time() + 20 * slow()
        while True:
            try:
                async with Monitor(f"qmp{node}"):
                    return
            except (LabError, OSError) as error:
                if self._nodes[node].machine is not machine or \
                        asyncio.get_running_loop().time() > until:
                    raise LabError(f"node {node}: QEMU (pid {pid}) did not start: "
                                   f"{self._said(node) or error}") from error
            await asyncio.sleep(0.05)

    async def _wait(self, node: int) -> None:
        """Until its agent answers; for a machine that ends before that, not so long."""
        seconds = _BOOT_SECONDS * slow()
        up = asyncio.create_task(self.links[node].wait_up(seconds))
        watch = self._nodes[node].watch
        assert watch
        try:
            await asyncio.wait([up, watch], return_when=asyncio.FIRST_COMPLETED)
            if not up.done():
                raise LabError(f"node {node}: QEMU ended before it was up: {self._said(node)}")
            if not up.result():
                raise LabError(f"node {node} did not come up in {seconds:.0f} s; "
                               "see the log of its console")
        finally:
            up.cancel()
        self.say(f"node {node} is up: Linux {self.links[node].facts.get('release', '?')}")

    def _said(self, node: int) -> str:
        return (self.home / f"qemu{node}.log").read_text(errors="replace").strip()

    async def _watch(self, node: int, machine: Machine) -> None:
        code = await machine.ended()
        self.links[node].detach()
        if self._nodes[node].machine is machine:
            self._nodes[node].machine = None
            self.say(f"node {node}: QEMU ended (exit code {code}): {self._said(node)}")
