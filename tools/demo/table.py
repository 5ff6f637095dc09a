# SPDX-License-Identifier: GPL-2.0
"""The one table at the end, from the facts that the measurements have left."""

from __future__ import annotations

from typing import Any

from .stream import DEFAULT, DIRECT, gigabits

_WAYS = {"there": "node 0 to node 1", "back": "node 1 to node 0"}
_FORMS = {DEFAULT: "", DIRECT: ", direct form (*)",
          "headtail": ", head/tail form", "offset": ", offset form"}
_VETH = "Beside VNI, in the same run: veth, Linux's own pair of devices, within the kernel of node 0."
_TRUST = ("(*) no copy in VNI: for nodes that trust each other, as each can read and write all "
          "memory of the other")
_KINDS = "head/tail form: all frames in the ring; offset form: all in the packet buffer; else: by size"
_SIZES = {64: "64 B", 1472: "1472 B", 16384: "16 KB"}
Row = list[str]


def _block(head: Row, rows: list[Row]) -> list[str]:
    """Aligned columns below a line; the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = []
    for row in [head, *rows]:
        cells = [row[0].ljust(max(widths[0], 46))]
        cells += [cell.rjust(max(width, 9)) for cell, width in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    return [lines[0], "-" * max(map(len, lines)), *lines[1:], ""]


def _stream_row(name: str, fact: dict[str, Any], veth: float) -> Row:
    runs = fact["runs"]
    return [name, gigabits(fact["median"]), f"{fact['median'] / veth:.2f}",
            f"{gigabits(min(runs))}-{gigabits(max(runs))}"]


def _streams(facts: dict[str, Any]) -> list[str]:
    veth = facts["veth"]["median"]
    rows = [_stream_row("  veth, within node 0", facts["veth"], veth)]
    for form in (form for form in _FORMS if form in facts["vni"]):
        for way, text in _WAYS.items():
            name = f"  VNI, {text}{_FORMS[form]}"
            rows.append(_stream_row(name, facts["vni"][form][way], veth))
    count = len(facts["veth"]["runs"])
    few = min(len(form["there"]["runs"]) for form in facts["vni"].values())
    head = f"TCP, one stream, median of {count}" + (f" (forms: {few})" if few < count else "")
    lines = _block([head, "Gb/s", "veth = 1", "range"], rows)
    notes = [(_KINDS, "offset"), (_TRUST, DIRECT)]
    return [*lines[:-1], *(note for note, form in notes if form in facts["vni"]), ""]


def _datagrams(facts: list[dict[str, Any]]) -> list[str]:
    veth = {fact["size"]: fact["datagrams_per_second"] for fact in facts
            if fact["direction"] == "veth"}
    rows = []
    for fact in facts:
        way = {"0 to 1": "VNI, " + _WAYS["there"], "1 to 0": "VNI, " + _WAYS["back"],
               "veth": "veth, within node 0"}[fact["direction"]]
        rate, size = fact["datagrams_per_second"], fact["size"]
        lost = 100 * fact["lost"] / fact["sent"] if fact["sent"] else 0.0
        rows.append([f"  {_SIZES[size]}: {way}", f"{rate:.0f}",
                     f"{rate / veth[size]:.2f}" if veth.get(size) else "",
                     f"{fact['bits_per_second'] / 1e9:.3f}", f"{lost:.0f} %",
                     str(fact["where"]["VNI"]) if "where" in fact else ""])
    return _block(["UDP, sent as fast as it goes", "read/s", "veth = 1", "Gb/s", "lost",
                   "by VNI"], rows)


def _trips(facts: dict[str, Any]) -> list[str]:
    rows = []
    for protocol, pair in facts.items():
        vni, veth = pair["vni"], pair["veth"]
        for key, text in (("median", "median"), ("p99", "99th percentile")):
            rows.append([f"  {protocol.upper()}, {text}", f"{vni[key] / 1000:.0f}",
                         f"{veth[key] / 1000:.0f}", f"{vni[key] / veth[key]:.2f}"])
    return _block(["round trip of 1 byte, us: less is better", "VNI", "veth", "veth = 1"], rows)


def bells(facts: dict[str, Any]) -> str:
    if not facts["bells"]:
        return f"none for {facts['frames']} frames"
    return f"1 for {facts['frames'] / facts['bells']:.0f} frames"


def render(facts: dict[str, Any]) -> str:
    """What there is: a demo of some figures has some of the blocks."""
    lines = [_VETH, ""]
    if "tcp" in facts:
        lines += _streams(facts["tcp"])
    if "udp" in facts:
        lines += _datagrams(facts["udp"])
    if "rtt" in facts:
        lines += _trips(facts["rtt"])
    if "tcp" in facts:
        lines.append(f"doorbells in the TCP runs: {bells(facts['tcp'])} (both nodes, default form)")
    if "frames" in facts:
        lines.append(f"frames dropped by VNI: {sum(facts['vni_drops'])} of {facts['frames']}; "
                     f"slots still lent at the end: {sum(facts['slots_lent'])}")
    return "\n".join(lines)
