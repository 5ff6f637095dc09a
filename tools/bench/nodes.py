# SPDX-License-Identifier: GPL-2.0
"""Two User-Mode Linux nodes on two CPUs, and the ways from a client to a server in them."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from demo import network, prepare
from demo.errors import DemoError
from demo.lab import TOP, Lab
from demo.record import Record
from demo.route import Place

from . import build
from .errors import BenchError
from .progress import Progress

FORMS = ("mixed", "headtail", "offset")
MIXED, HEADTAIL, OFFSET = (f"VNI, {form}" for form in FORMS)
BUSY = "VNI, mixed, busy poll"
QUEUES = "VNI, mixed, 2 queues"
IN_PLACE, DIRECT = "VNI, mixed, in place", "VNI, direct"
VETH, LO, VECTOR = "veth in one node", "lo in one node", "UML vector (raw)"

COPIED, LENT = 262144, 4096  # rx-copybreak: nothing stays in place; what is larger does

_BUSY_MICROSECONDS = 200  # longer than a round trip takes in these nodes
_RELOAD = """rmmod vni
insmod /vni/vni.ko queues={queues}
for n in $(seq 50); do [ -e /sys/class/net/vni0 ] && break; sleep 0.1; done"""
_NEW_SERVER = """killall rr
for n in $(seq 50); do pidof rr >/dev/null || break; sleep 0.02; done
rr -s"""
_REVIVALS = 3  # of nodes that went, before the parts that need them are given up


class Way(NamedTuple):
    """From a client to a server."""

    name: str
    client: Place
    server: Place
    form: str = ""  # VNI's
    busy: bool = False  # sockets poll the device
    queues: int = 1  # of the device at both ends
    lent: bool = False  # what is received stays in place
    direct: bool = False  # the nodes trust each other with their memory


class _Setting(NamedTuple):
    """What ways may differ in, as it is set in the nodes."""

    form: str
    busy: bool
    queues: int
    lent: bool = False
    direct: bool = False


_DEFAULT = _Setting("mixed", False, 1)  # a kernel with one CPU makes one queue by itself


class HostVeth:
    """The wire between the two nodes' vector devices: a veth pair of the host."""

    def __init__(self) -> None:
        self.ends = [f"vnib{os.getpid() % 1_000_000}{end}" for end in "ab"]
        self.why = ""  # it is not there

    def make(self) -> bool:
        a, b = self.ends
        return (self._ip("link", "add", a, "type", "veth", "peer", "name", b)
                and all(self._ip("link", "set", end, "up") for end in self.ends))

    def remove(self) -> None:
        subprocess.run(["ip", "link", "del", self.ends[0]], capture_output=True)

    def _ip(self, *words: str) -> bool:
        try:
            done = subprocess.run(["ip", *words], capture_output=True, text=True)
        except FileNotFoundError:
            self.why = "the host has no command ip"
            return False
        self.why = done.stderr.strip()
        return done.returncode == 0


def _place(node: int, address: str, netns: str = "") -> Place:
    return Place(node, 0, address, netns)


def _ways() -> dict[str, Way]:
    here, there = _place(0, network.address(0)), _place(1, network.address(1))
    ways = [Way(f"VNI, {form}", here, there, form) for form in FORMS]
    ways += [
        Way(BUSY, here, there, "mixed", busy=True),
        Way(QUEUES, here, there, "mixed", queues=2),
        Way(IN_PLACE, here, there, "mixed", lent=True),
        Way(DIRECT, here, there, "mixed", direct=True),
        Way(VETH, _place(0, "10.9.0.1", "a"), _place(0, "10.9.0.2", "b")),
        Way(LO, _place(0, "127.0.0.1"), _place(0, "127.0.0.1")),
        Way(VECTOR, _place(0, "10.8.0.1"), _place(1, "10.8.0.2")),
    ]
    return {way.name: way for way in ways}


class Nodes:
    """Brought up by the first part that needs them; all of them share one boot."""

    def __init__(self, name: str, record: Record, progress: Progress) -> None:
        self._name = name
        self._record = record
        self._progress = progress
        self._veth = HostVeth()
        self._revivals = 0
        self._now = _DEFAULT
        self._broken = ""
        self._up = False
        self.lab: Lab = Lab(name, "uml", "6.12", [])
        self.ways: dict[str, Way] = {}
        self.notes: list[str] = []
        self.kernel = ""

    # -- life --------------------------------------------------------------------------------

    def need(self) -> None:
        """Both nodes are up, with all ways between them. BenchError if that cannot be."""
        if self._broken:
            raise BenchError(self._broken)
        if self._up:
            return
        check_built()
        try:
            self._bring_up()
        except DemoError as error:
            first = str(error).partition("\n")[0]
            self._progress.say(f"the nodes did not come up ({first}); once more")
            self.down()
            self._bring_up_again()

    def down(self) -> None:
        logs = self._record.home / "lab"
        if self._up:
            for node in range(2):
                self._record.text(f"dmesg-node{node}.txt", self.lab.kernel_log(node))
        self._up = False
        self.lab.down(logs)
        self._veth.remove()

    def revive(self) -> None:
        """After a failure: nodes that do not answer any more are booted anew."""
        if not self._up or not self.lab.silent():
            return
        self._revivals += 1
        for node in self.lab.silent():
            self._record.text(f"lost-{self._revivals}-node{node}.txt", self.lab.console(node))
        self.down()
        if self._revivals > _REVIVALS:
            self._broken = f"User-Mode Linux nodes were lost {self._revivals} times"
        self.need()

    def _bring_up_again(self) -> None:
        try:
            self._bring_up()
        except DemoError as error:
            self._broken = f"no User-Mode Linux nodes: {error}"
            raise BenchError(self._broken) from error

    def _bring_up(self) -> None:
        flow = build.compiled("flow", "flow.c", "-static")
        prepare.build_rr(self._record)
        options = ["--pin", "--node-mem=768M"]
        if self._veth.make():
            a, b = self._veth.ends
            options += [f"--append=vec0:transport=raw,ifname={a},depth=128,gro=1",
                        f"--node-append=vec0:transport=raw,ifname={b},depth=128,gro=1"]
        else:
            self.notes.append(f"UML's vector transport is missing: no veth pair on the host "
                              f"({self._veth.why})")
        self.lab = Lab(self._name, "uml", "6.12", options)
        self.lab.up([f"{flow}:/usr/bin/flow", f"{prepare.RR}:/usr/bin/rr"], lambda text: None)
        self._up = True
        self.ways = _ways()
        self._connect()
        self.kernel = self.lab.run(0, "uname", "-r").strip()

    def _connect(self) -> None:
        for node in range(2):
            network.insert_modules(self.lab, node)
            network.link_up(self.lab, node)
        for node in range(2):
            network.wait_for_carrier(self.lab, node)
        network.make_veth(self.lab)
        self._connect_vector()
        servers = "flow -s; rr -s"
        self.lab.sh(0, f"ip link set lo up; {servers}; "
                       "ip netns exec b flow -s; ip netns exec b rr -s")
        self.lab.sh(1, servers)
        for name in (MIXED, VECTOR):
            if name in self.ways:
                self._ping(self.ways[name])
        self._now = _DEFAULT

    def _connect_vector(self) -> None:
        there = "[ -e /sys/class/net/vec0 ] && echo yes || echo no"
        if any("yes" not in self.lab.sh(node, there) for node in range(2)):
            self.ways.pop(VECTOR, None)
            return
        for node in range(2):
            self.lab.sh(node, f"ip addr add 10.8.0.{node + 1}/24 dev vec0; ip link set vec0 up")

    def _ping(self, way: Way) -> None:
        argv = way.client.command("ping", "-q", "-c", "2", "-i", "0.2", "-W", "2",
                                  way.server.address)
        self.lab.run(way.client.node, *argv)

    # -- for the parts -----------------------------------------------------------------------

    def take(self, way: Way) -> None:
        """Set the nodes to what this way wants."""
        wanted = _Setting(way.form or self._now.form, way.busy, way.queues, way.lent,
                          way.direct)
        if wanted.queues != self._now.queues:
            self._set_queues(wanted.queues)
        if wanted.form != self._now.form:
            network.set_form(self.lab, 2, wanted.form)
        if wanted.busy != self._now.busy:
            value = _BUSY_MICROSECONDS if wanted.busy else 0
            for node in range(2):
                self.lab.sh(node, f"echo {value} >/proc/sys/net/core/busy_poll; "
                                  f"echo {value} >/proc/sys/net/core/busy_read")
            # a socket has the setting of when it was made
            self.lab.sh(self.ways[BUSY].server.node, _NEW_SERVER)
        if wanted.lent != self._now.lent:
            network.set_lent(self.lab, 2, LENT if wanted.lent else COPIED)
        if wanted.direct != self._now.direct:
            network.set_direct(self.lab, 2, wanted.direct)
        self._now = wanted

    def _set_queues(self, queues: int) -> None:
        """The devices are made anew, with everything else as it is by itself."""
        for node in range(2):
            self.lab.sh(node, _RELOAD.format(queues=queues), seconds=60)
            network.link_up(self.lab, node)
        for node in range(2):
            network.wait_for_carrier(self.lab, node)
        self._ping(self.ways[MIXED])
        self._now = _DEFAULT._replace(busy=self._now.busy, queues=queues)

    def settle(self) -> None:
        """Back to the default; the next part expects it."""
        if self._up:
            self.take(self.ways[MIXED])

    def window(self) -> Path:
        """The file that both nodes map."""
        found = [path for path in Path("/dev/shm").glob(f"vni-lab-{self._name}-*/window")
                 if path.parent.name.rpartition("-")[0] == f"vni-lab-{self._name}"]
        if len(found) != 1:
            raise BenchError(f"the window of the nodes is not to be found: {found}")
        return found[0]

    def processes(self, node: int) -> list[int]:
        """Of a node: that of its kernel first, then those that its programs run in."""
        leader = self.pids()[node]
        return [leader, *(pid for pid in _session(leader) if pid != leader)]

    def cpu_seconds(self) -> list[float]:
        """That each node has used so far, all its processes on the host together."""
        return [_used(pid) for pid in self.pids()]

    def pids(self) -> list[int]:
        """UML's process of each node, which leads a session of its own."""
        found: dict[int, int] = {}
        name = re.escape(self._name)
        # The kernel ends the word at its comma when it has read it.
        wanted = re.compile(rf"iomem=vni(\d+)[,\0]/dev/shm/vni-lab-{name}-[0-9a-f]+/")
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                match = wanted.search((entry / "cmdline").read_text())
                leader = match and os.getsid(int(entry.name)) == int(entry.name)
            except OSError:
                continue
            if match and leader:
                found[int(match[1])] = int(entry.name)
        if sorted(found) != [0, 1]:
            raise BenchError("the processes of the two nodes are not to be found")
        return [found[0], found[1]]


def check_built() -> None:
    """The kernel and the modules are there, and CPUs for two nodes; else BenchError."""
    done = subprocess.run([str(TOP / "tools" / "uml-kernel"), "release"],
                          capture_output=True, text=True)
    release = done.stdout.strip()
    if done.returncode or not (TOP / "build" / release / "vni.ko").exists():
        raise BenchError("the kernel or the modules for it are not built: make uml")
    if build.cpus() < 2:
        raise BenchError("two CPUs are needed, one a node, and this process may use one")


def _session(leader: int) -> dict[int, list[str]]:
    """The processes of a session, each with what its stat says behind the name."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == leader:
            found[int(entry.name)] = fields
    return found


def _used(session: int) -> float:
    """Seconds of processor that the processes of a session have used, and their ended children."""
    ticks = sum(int(value) for fields in _session(session).values()
                for value in fields[11:15])  # utime, stime, cutime, cstime
    return ticks / os.sysconf("SC_CLK_TCK")
