# SPDX-License-Identifier: GPL-2.0
"""One TCP stream over VNI, in both directions and in each form, and over veth, in turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any

from . import counters, iperf, network
from .errors import DemoError
from .lab import Lab
from .record import Record
from .route import Routes

NODES = 2
DEFAULT, DIRECT = "mixed", "direct"  # as the device comes; the form for nodes that trust each other
FORMS = ("headtail", "offset")
# On a slow host: the other forms are measured in as many turns as would take so many seconds with
# them, but not in fewer than these.
_SECONDS, _LEAST = 100, 2


class Streams:
    """Bits a second of each run, in the order of the runs, by form and direction."""

    def __init__(self) -> None:
        self.veth: list[float] = []
        self.vni: dict[str, dict[str, list[float]]] = {}
        self.bells = 0  # in the default form
        self.frames = 0
        # by node: frames that met no link, because the direct form was being switched
        self.unmet = [0] * NODES

    def add(self, form: str, direction: str, value: float) -> None:
        self.vni.setdefault(form, {}).setdefault(direction, []).append(value)

    def facts(self) -> dict[str, Any]:
        def fact(runs: list[float]) -> dict[str, Any]:
            return {"median": median(runs), "runs": runs}

        return {"veth": fact(self.veth),
                "vni": {form: {direction: fact(runs) for direction, runs in both.items()}
                        for form, both in self.vni.items()},
                "bells": self.bells, "frames": self.frames}


def gigabits(value: float) -> str:
    return f"{value / 1e9:.2f}"


def measure(lab: Lab, record: Record, routes: Routes, forms: list[str], runs: int, seconds: int,
            hurry: bool, note: Callable[[str], None]) -> Streams:
    """Each turn runs all of them after one another, so that a slow moment of the host hits all.
    The default form comes first, then veth, then the other forms. hurry: these may be left out of
    some turns."""
    result = Streams()

    def both(form: str) -> None:
        for key, route in (("there", routes.there), ("back", routes.back)):
            result.add(form, key, iperf.tcp(lab, record, route, seconds, f"TCP {form}"))

    began = time.monotonic()
    for turn in range(runs):
        spent = time.monotonic() - began
        if hurry and forms and turn >= _LEAST and spent + spent / turn > _SECONDS:
            note(f"{turn} turns took {spent:.0f} s on this host: the others without other forms")
            forms = []
        before = counters.take_all(lab, NODES)
        both(DEFAULT)
        grown = [new.since(old) for new, old in zip(counters.take_all(lab, NODES), before)]
        result.bells += sum(counters.bells(node) for node in grown)
        result.frames += sum(node["tx_frames"] for node in grown)
        result.veth.append(iperf.tcp(lab, record, routes.veth, seconds))
        for form in forms:
            with _Form(lab, form, result):
                both(form)
        said = [f"{form} {gigabits(result.vni[form]['there'][-1])} and "
                f"{gigabits(result.vni[form]['back'][-1])}" for form in (DEFAULT, *forms)]
        note(f"{turn + 1} of {runs}, Gb/s: veth {gigabits(result.veth[-1])}; 0 to 1 and 1 to 0: "
             + ", ".join(said))
    return result


class _Form:
    """Both nodes are in another form for a while."""

    def __init__(self, lab: Lab, form: str, result: Streams) -> None:
        self._lab = lab
        self._form = form
        self._result = result
        self._before: list[counters.Snapshot] = []

    def __enter__(self) -> None:
        if self._form == DIRECT:
            self._before = self._switch(counters.take_all(self._lab, NODES), True)
        else:
            network.set_form(self._lab, NODES, self._form)

    def __exit__(self, kind: object, *_: object) -> None:
        if self._form != DIRECT:
            network.set_form(self._lab, NODES, DEFAULT)
            return
        after = counters.take_all(self._lab, NODES)
        self._switch(after, False)
        if kind is None:
            for node, (new, old) in enumerate(zip(after, self._before)):
                if not new.since(old)["tx_direct_frames"]:
                    raise DemoError(f"node {node} was told to send in the direct form and did not")

    def _switch(self, before: list[counters.Snapshot], on: bool) -> list[counters.Snapshot]:
        network.set_direct(self._lab, NODES, on)
        after = counters.take_all(self._lab, NODES)
        for node, (new, old) in enumerate(zip(after, before)):
            self._result.unmet[node] += counters.unmet(new.since(old))
        return after
