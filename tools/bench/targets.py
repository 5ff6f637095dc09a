# SPDX-License-Identifier: GPL-2.0
"""What is to be reached, and how far each figure is from it. Ratios are of medians of one run."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import copy, machines, partition, pktgen, ring
from .nodes import BUSY, DIRECT, IN_PLACE, MIXED, VECTOR, VETH
from .results import Results
from .stats import number


class Told(NamedTuple):
    """One target, as the report shows it."""

    target: str
    wanted: str
    found: str
    state: str  # reached, missed, not measured
    missed_by: str = ""


def _at_least(text: str, wanted: float, found: float | None, how: str = "times") -> Told:
    asked = f"at least {wanted:g} {how}"
    if found is None:
        return Told(text, asked, "", "not measured")
    if found >= wanted:
        return Told(text, asked, number(found), "reached")
    return Told(text, asked, number(found), "missed", f"{1 - found / wanted:.0%}")


def _at_most(text: str, wanted: float, found: float | None, unit: str = "") -> Told:
    asked = f"at most {number(wanted)}{unit}"
    if found is None:
        return Told(text, asked, "", "not measured")
    if found <= wanted:
        return Told(text, asked, f"{number(found)}{unit}", "reached")
    by = f"{found / wanted - 1:.0%}" if wanted else f"{number(found)}{unit}"
    return Told(text, asked, f"{number(found)}{unit}", "missed", by)


def _ratio(results: Results, group: str, ours: str, theirs: str, x: int = 0) -> float | None:
    """How many times as good as `theirs`."""
    one, other = results.get(group, ours, x), results.get(group, theirs, x)
    if not one or not other:
        return None
    return results.groups[group].ratio(one.median, other.median)


def _ring(results: Results) -> list[Told]:
    told = []
    for burst in ring.BURSTS:
        rivals = [found.median for who in ring.RINGS[1:]
                  if (found := results.get("ring", who, burst))]
        ours = results.get("ring", ring.VNI, burst)
        found = ours.median if ours and len(rivals) == len(ring.RINGS) - 1 else None
        told.append(_at_most(f"The ring alone, bursts of {burst}: not slower than the best of "
                             "rte_ring, ck_ring and a plain ring", min(rivals, default=0.0), found,
                             " ns"))
    return told


def _streams(results: Results) -> list[Told]:
    told = [_at_least(f"TCP, writes of 128 KB, {who}: {rival}", wanted,
                      _ratio(results, "tcp-server", who, rival, 131072))
            for who in (MIXED, IN_PLACE, DIRECT) for rival, wanted in ((VETH, 1.5), (VECTOR, 4.0))]
    for size, name in ((16384, "16 KB"), (1024, "1 KB"), (64, "64 B")):
        told += [_at_least(f"TCP, writes of {name}: ahead of {rival}", 1.0,
                           _ratio(results, "tcp-server", MIXED, rival, size))
                 for rival in (VETH, VECTOR)]
    bells = results.get("bells", MIXED)
    copies = results.get("partition-copies", partition.IN_PLACE[partition.THERE])
    told.append(_at_most("Bulk TCP: fewer than one doorbell in 50 frames", 1 / 50,
                         bells.median if bells else None))
    told.append(_at_most("Bulk TCP, in place, partitioned machine: no receive copy for frames "
                         "above the copy threshold (copies a frame)", 0.0,
                         copies.median if copies else None))
    return told


def _frames(results: Results) -> list[Told]:
    told = [_at_least(f"64-byte frames from pktgen: {rival}", wanted,
                      _ratio(results, "frames", MIXED, rival, 64))
            for rival, wanted in ((VETH, 1.5), (VECTOR, 20.0))]
    told.append(_at_least(f"64-byte frames from pktgen, one skb: {pktgen.VECTOR_ONE_SKB}", 20.0,
                          _ratio(results, "frames", pktgen.ONE_SKB, pktgen.VECTOR_ONE_SKB, 64)))
    # the bare ring makes no socket buffers either, so what the device reaches shows with one skb
    ring_ = results.get("copy-frames", copy.RING, 1500)
    for who, what in ((pktgen.ONE_SKB, "one skb"), (MIXED, "each a new skb")):
        ours = results.get("frames", who, 1500)
        told.append(_at_least(f"1500-byte frames, {what}: of the bare ring that copies in and out",
                              0.7, ours.median / ring_.median if ours and ring_ else None))
    return told


def _trips(results: Results) -> list[Told]:
    told = []
    for protocol in ("tcp", "udp"):
        for size, name in ((1, "1 B"), (1024, "1 KB")):
            text = f"Round trips over {protocol.upper()}, {name}"
            for kind in ("median", "p99"):
                told.append(_at_least(f"{text}, {kind}: shorter than {VECTOR}", 1.0,
                                      _ratio(results, f"{protocol}-{kind}", MIXED, VECTOR, size)))
            told.append(_at_least(f"{text}, busy polling, median: shorter than {VETH}", 1.0,
                                  _ratio(results, f"{protocol}-median", BUSY, VETH, size)))
    return told


def _machines(results: Results) -> list[Told]:
    told = []
    for rival, wanted in ((machines.SOCKET, 5.0), (machines.TAP, 3.0)):
        told += [_at_least(f"Two machines, TCP, one stream, {who}: {rival}", wanted,
                           _ratio(results, "vm-tcp", who, rival, 131072))
                 for who in (machines.VNI, machines.IN_PLACE)]
        told.append(_at_least(f"Two machines, 64-byte frames: {rival}", 5.0,
                              _ratio(results, "vm-frames", machines.VNI, rival)))
        told += [_at_least(f"Two machines, round trip over {protocol.upper()}, 1 B: shorter than "
                           f"{rival}", 1.0,
                           _ratio(results, f"vm-{protocol}-median", machines.VNI, rival, 1))
                 for protocol in ("tcp", "udp")]
    told += [_at_least(f"Partitioned machine, TCP, {who}: {partition.VETH}", 1.3,
                       _ratio(results, "partition-tcp", who, partition.VETH, 131072))
             for who in (partition.THERE, partition.BACK, *partition.IN_PLACE.values(),
                         *partition.DIRECT.values())]
    return told


_JUDGES: tuple[Callable[[Results], list[Told]], ...] = (_streams, _frames, _trips, _machines, _ring)


def judge(results: Results) -> list[Told]:
    return [told for judges in _JUDGES for told in judges(results)]
