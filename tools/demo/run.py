# SPDX-License-Identifier: GPL-2.0
"""The sequence of a demo; each function is one or a few steps and leaves facts."""

from __future__ import annotations

import argparse
import time
from typing import Any

from . import counters, network, prepare, rtt, stream, table, udp
from .errors import DemoError
from .lab import Lab, slow
from .record import Record
from .route import Routes
from .screen import Screen
from .where import KINDS

_NODES = stream.NODES
_SETTLE_SECONDS = 5.0


class Run:
    def __init__(self, screen: Screen, lab: Lab, record: Record, options: argparse.Namespace
                 ) -> None:
        self._screen = screen
        self._lab = lab
        self._record = record
        self._options = options
        self._where = KINDS[options.env]
        self._routes: Routes
        self._before: list[counters.Snapshot] = []
        self._load = prepare.load()
        self.began = time.monotonic()  # when the nodes were told to boot
        self.begin_again()

    def begin_again(self) -> None:
        """Forget what a run before has found."""
        self.facts: dict[str, Any] = {"load": self._load}
        self._unmet = [0] * _NODES

    # -- up to two nodes that reach each other -----------------------------------------------

    def prepare(self) -> None:
        screen, kver, where = self._screen, self._options.kver, self._where
        with screen.step("packages") as step:
            prepare.packages(self._record, where.deps or kver, step)
        if where.name == "uml":
            with screen.step("Linux for User-Mode Linux") as step:
                prepare.uml_kernel(self._record, step)
        with screen.step(f"build: make {' '.join(where.targets)}"
                         + ("" if where.name == "uml" else f" KVER={kver}")):
            prepare.build(self._record, where.targets, kver)

    def boot(self) -> None:
        prepare.build_rr(self._record)
        self.began = time.monotonic()
        with self._screen.step(f"boot: {self._where.text}") as step:
            self._lab.up([f"{prepare.RR}:/usr/bin/rr"], step.note)
            step.result = "all nodes are up"
        status = self._lab.status()
        self.facts["place"] = {**prepare.host(), "load": self.facts.pop("load"),
                               "env": self._lab.env, "accel": status.get("accel", "?"),
                               "kernels": [node.get("release", "?") for node in status["nodes"]]}

    def connect(self) -> None:
        screen, lab = self._screen, self._lab
        for node in range(_NODES):
            with screen.step(f"node {node}: insmod vni_shm.ko, insmod vni.ko"
                             + self._where.joins[node]):
                network.insert_modules(lab, node)
        for node in range(_NODES):
            with screen.step(f"node {node}: ip link set vni0 up, ip addr add "
                             f"{network.address(node)}/24 dev vni0"):
                network.link_up(lab, node)
        with screen.step("carrier on both nodes"):
            for node in range(_NODES):
                network.wait_for_carrier(lab, node)
        with screen.step("ping node 1 from node 0") as step:
            step.result = network.ping(lab, 10)
        with screen.step("servers, and veth between two namespaces of node 0") as step:
            cpu = self._where.cpu0 if self._options.cpu0 is None else self._options.cpu0
            if cpu is None:
                cpu = network.bell_cpu(lab)
                step.result = f"doorbells interrupt CPU {cpu} of node 0: its programs run there"
            self._routes = network.routes(self._where, cpu)
            network.make_veth(lab)
            network.start_servers(lab, self._routes.places())
            self.facts["node0_cpu"] = cpu
        time.sleep(0.3)
        self._before = counters.take_all(lab, _NODES)

    # -- figures -----------------------------------------------------------------------------

    def stream(self, every_form: bool) -> None:
        runs, seconds = self._options.runs, self._options.seconds
        forms = []
        if every_form:
            forms = [*([stream.DIRECT] if self._where.direct else []), *stream.FORMS]
        text = (f"TCP, one stream, {runs} turns of {seconds} s each way"
                + (f", also in the forms {', '.join(forms)}" if forms else ""))
        with self._screen.step(text) as step:
            result = stream.measure(self._lab, self._record, self._routes, forms, runs, seconds,
                                    self._options.measure == "all", step.note)
            self.facts["tcp"] = facts = result.facts()
            self._unmet = result.unmet
            vni, veth = facts["vni"][stream.DEFAULT], facts["veth"]["median"]
            there, back = vni["there"]["median"], vni["back"]["median"]
            step.result = (f"medians: veth {stream.gigabits(veth)} Gb/s, 0 to 1 {there / veth:.2f} "
                           f"of it, 1 to 0 {back / veth:.2f}; doorbells: {table.bells(facts)}")

    def datagrams(self) -> None:
        self.facts["udp"] = []
        for size in udp.SIZES:
            for route in self._routes:
                over = "over veth" if route is self._routes.veth else f"node {route.name}"
                with self._screen.step(f"UDP, {size} bytes, {over}") as step:
                    kind = udp.measure_veth if route is self._routes.veth else udp.measure
                    fact = kind(self._lab, self._record, route, size)
                    self.facts["udp"].append(fact)
                    step.result = udp.in_words(fact)

    def round_trips(self) -> None:
        self.facts["rtt"] = {}
        for protocol in rtt.PROTOCOLS:
            with self._screen.step(f"round trips of 1 byte over {protocol.upper()}") as step:
                fact = rtt.measure(self._lab, self._record, self._routes, protocol)
                self.facts["rtt"][protocol] = fact
                step.result = ", ".join(f"{name} median {value['median'] / 1000:.0f} us, "
                                        f"p99 {value['p99'] / 1000:.0f} us"
                                        for name, value in fact.items())

    # -- the end -----------------------------------------------------------------------------

    def _settled(self) -> list[counters.Snapshot]:
        """The counters once all that was sent has been read. A slot's owner may notice that it is
        free again only when it next has work to do: a ping gives it some."""
        until = time.monotonic() + _SETTLE_SECONDS * slow()
        after = counters.take_all(self._lab, _NODES)
        while any(new.values["slots_lent"] for new in after) and time.monotonic() < until:
            network.ping(self._lab, 3)
            after = counters.take_all(self._lab, _NODES)
        return after

    def check(self) -> None:
        with self._screen.step("frames that VNI dropped, slots still lent") as step:
            after = self._settled()
            grown = [new.since(old) for new, old in zip(after, self._before)]
            lost = [counters.drops(node) - unmet for node, unmet in zip(grown, self._unmet)]
            lent = [new.values["slots_lent"] for new in after]
            self.facts["vni_drops"], self.facts["slots_lent"] = lost, lent
            self.facts["counters"] = grown
            for node in range(_NODES):
                self._record.text(f"counters-node{node}-before.txt", self._before[node].text)
                self._record.text(f"counters-node{node}-after.txt", after[node].text)
            if any(lost) or any(lent):
                raise DemoError(f"VNI dropped {lost} frames (node 0, node 1), slots that are "
                                f"still lent: {lent}; see counters-*.txt")
            self.facts["frames"] = frames = sum(node["tx_frames"] for node in grown)
            step.result = f"0 of {frames} frames; 0 slots"
        with self._screen.step("kernel logs") as step:
            self._lab.check_logs()
            step.result = "no warning"

