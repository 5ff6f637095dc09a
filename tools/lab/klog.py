# SPDX-License-Identifier: GPL-2.0
"""Kernel logs of the nodes: kept as they come from /dev/kmsg, and searched for trouble."""

from __future__ import annotations

import re
from pathlib import Path

# What a healthy kernel never says. Matched against records of the kernel itself only: what user
# space writes to /dev/kmsg carries another facility and is left out.
TROUBLE = re.compile(
    r"WARNING:|\bBUG\b|\bOops\b|kernel BUG at|Kernel panic|general protection fault"
    r"|Unable to handle kernel|possible (circular|recursive) locking|inconsistent lock state"
    r"|suspicious RCU usage|rcu.*(detected|self-detected).*stall|blocked for more than \d+ seconds"
    r"|soft lockup|hard LOCKUP|Call Trace:|KASAN:|KCSAN:|UBSAN:|refcount_t:|nobody cared"
    r"|list_(add|del) corruption|scheduling while atomic|sleeping function called from invalid"
    r"|unregister_netdevice: waiting|NETDEV WATCHDOG|page allocation failure|Out of memory:"
    r"|rcu:.*stalls? on CPU|bad page state|double free|LOST kernel log records"
)

# How a kernel dies of a fault of QEMU 7.2's TCG (lab.rst, "Faults of the emulator"): its first oops
# is about a breakpoint that is not in its text any more. One that is there shows as "cc <".
_BREAKPOINT = re.compile(r"(?:^|[\]:] )(?:Oops: )?int3: 0000 \[#1\]", re.MULTILINE)
_CODE = re.compile(r"Code: (?:[0-9a-f]{2} )*(?!cc )[0-9a-f]{2} <[0-9a-f]{2}>")
STALE = ("a kernel died of a breakpoint that was not in its text any more, or of flags that no "
         "processor has: a fault of QEMU's TCG, not of VNI")
_CODE_LINES = 12  # from the oops to the code
# The other way: the processor runs into the breakpoint for ever, and is reported for that.
_STALL = re.compile(r"self-detected stall on CPU|soft lockup - CPU")
_STUCK = re.compile(r"RIP: \S+:(?:asm_exc_int3|exc_int3|poke_int3_handler)\b")
_STUCK_LINES = 80  # from the report to where the processor is
# Or it has flags that no processor can have (bits 22 to 31 are always 0), and goes wrong from
# there.
_FLAGS = re.compile(r"\bEFLAGS: ([0-9a-f]{8})\b")
_FLAGS_LINES = 16  # from the first trouble to the registers


class KernelLog:
    """One node's kernel log in a file, each record on a line: boot, seconds, facility, text."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._boot = ""
        self._last = -1
        self._path.touch()

    def add(self, boot: str, records: list[str]) -> None:
        if boot != self._boot:
            self._boot, self._last = boot, -1
        lines = []
        for record in records:
            head, _, text = record.partition(";")
            fields = head.split(",")
            if len(fields) < 4 or not all(field.isdigit() for field in fields[:3]):
                continue
            priority, number, micro = (int(field) for field in fields[:3])
            lost = fields[3] == "-" and text.startswith("LOST ") and priority == 0
            if number <= self._last and not lost:
                continue  # sent once already, to an earlier session
            if not lost:
                self._last = number
            who = "kernel" if priority >> 3 == 0 else "user"
            lines.append(f"{boot[:8]} {micro / 1e6:12.6f} {who}: {text.splitlines()[0]}\n")
        with self._path.open("a", encoding="utf-8") as out:
            out.writelines(lines)


def until_emulator_fault(text: str) -> tuple[str, bool]:
    """What a log holds before a kernel's first oops of a breakpoint, and whether it was stale;
    or before its first trouble, if that shows impossible flags."""
    first = next(iter(trouble_in(text)), None)
    if first is not None:
        start = text.index(first)
        report = "\n".join(text[start:].splitlines()[:_FLAGS_LINES])
        flags = _FLAGS.search(report)
        if flags and int(flags[1], 16) >> 22:
            return text[:start], True
    for what, proof, lines in ((_BREAKPOINT, _CODE, _CODE_LINES), (_STALL, _STUCK, _STUCK_LINES)):
        found = what.search(text)
        if found:
            start = text.rfind("\n", 0, found.start()) + 1
            report = text[start:].splitlines()[:lines]
            return text[:start], any(proof.search(line) for line in report)
    return text, False


def panics_in(text: str) -> list[str]:
    """What a node's last words alone tell: all else had reached its kernel log before."""
    return [line for line in text.splitlines() if "Kernel panic" in line]


def trouble_in(text: str) -> list[str]:
    """Lines of a kernel log (as KernelLog writes it, or of a console) that must not be there."""
    return [
        line
        for line in text.splitlines()
        if TROUBLE.search(line) and not re.match(r"\w* +[\d.]+ user: ", line)
    ]
