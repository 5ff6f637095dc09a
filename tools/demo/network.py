# SPDX-License-Identifier: GPL-2.0
"""Modules, links and servers in the nodes: what a person would type there."""

from __future__ import annotations

import re

from .errors import DemoError
from .lab import Lab
from .route import Place, Route, Routes
from .where import Where

_WAIT_FOR_VNI0 = "for i in $(seq 50); do [ -e /sys/class/net/vni0 ] && break; sleep 0.1; done"
_VETH = """ip netns add a
ip netns add b
ip link add va netns a type veth peer name vb netns b
ip -n a addr add 10.9.0.1/24 dev va
ip -n b addr add 10.9.0.2/24 dev vb
ip -n a link set lo up
ip -n b link set lo up
ip -n a link set va up
ip -n b link set vb up"""


def address(node: int) -> str:
    return f"192.168.77.{node + 1}"


def insert_modules(lab: Lab, node: int) -> None:
    lab.sh(node, f"insmod /vni/vni_shm.ko; insmod /vni/vni.ko; {_WAIT_FOR_VNI0}", seconds=60)


def link_up(lab: Lab, node: int) -> None:
    lab.sh(node, f"ip link set vni0 up; ip addr add {address(node)}/24 dev vni0; "
                 f"ip -6 addr add fd77::{node + 1}/64 dev vni0 nodad")


def wait_for_carrier(lab: Lab, node: int) -> None:
    """The nodes greet each other after the links are set up; until then there is no carrier."""
    lab.sh(node, "for i in $(seq 100); do [ $(cat /sys/class/net/vni0/carrier) = 1 ] && exit; "
                 "sleep 0.05; done; echo vni0 has no carrier >&2; exit 1")


def ping(lab: Lab, count: int) -> str:
    """Round-trip times as ping gives them; an error if one echo is missing."""
    # -U: no time stamps of the kernel, which patches itself to take them.
    text = lab.run(0, "ping", "-U", "-q", "-i", "0.05", "-W", "2", "-c", str(count), address(1))
    found = re.search(r"(\d+) received.*= ([\d.]+)/([\d.]+)/([\d.]+)", text, re.DOTALL)
    if not found or int(found[1]) != count:
        raise DemoError(f"ping: not all answers came\n{text}")
    return f"{count} of {count} answered, {found[3]} ms on average"


def _bells(lab: Lab) -> dict[int, int]:
    """Interrupts of VNI's doorbells so far on each CPU of node 0."""
    text = lab.run(0, "cat", "/proc/interrupts")
    cpus = [int(word[3:]) for word in text.splitlines()[0].split()]
    count = dict.fromkeys(cpus, 0)
    for line in text.splitlines()[1:]:
        words = line.split()
        if "vni" in line:
            for cpu, number in zip(cpus, words[1 : 1 + len(cpus)]):
                count[cpu] += int(number)
    return count


def bell_cpu(lab: Lab) -> int:
    """The CPU of node 0 that is interrupted when frames of node 1 arrive."""
    before = _bells(lab)
    ping(lab, 20)
    after = _bells(lab)
    grown = {cpu: after[cpu] - before.get(cpu, 0) for cpu in after}
    return max(grown, key=lambda cpu: grown[cpu])


def make_veth(lab: Lab) -> None:
    lab.sh(0, _VETH)


def set_form(lab: Lab, nodes: int, form: str) -> None:
    for node in range(nodes):
        lab.sh(node, f"echo {form} >/sys/class/net/vni0/vni/form")


def set_lent(lab: Lab, nodes: int, above: int) -> None:
    """Received frames of more bytes stay in place. The links may go down for a moment."""
    for node in range(nodes):
        lab.sh(node, f"ethtool --set-tunable vni0 rx-copybreak {above}")
    for node in range(nodes):
        wait_for_carrier(lab, node)


def set_direct(lab: Lab, nodes: int, on: bool) -> None:
    """The links go down for a moment when a node changes its mind."""
    for node in range(nodes):
        lab.sh(node, f"ethtool --set-priv-flags vni0 direct {'on' if on else 'off'}")
    for node in range(nodes):
        wait_for_carrier(lab, node)


def routes(where: Where, cpu: int) -> Routes:
    """Node 0's end of VNI on `cpu`."""
    here, far = Place(0, cpu, address(0)), Place(1, where.cpu1, address(1))
    first, second = where.veth_cpus
    left, right = Place(0, first, "10.9.0.1", "a"), Place(0, second, "10.9.0.2", "b")
    return Routes(Route("0 to 1", here, far), Route("1 to 0", far, here),
                  Route("veth", left, right))


def start_servers(lab: Lab, places: list[Place]) -> None:
    for place in places:
        for argv in (["iperf3", "-s", "-D"], ["rr", "-s"]):
            lab.run(place.node, *place.command(*argv))
