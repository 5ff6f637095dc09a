# SPDX-License-Identifier: GPL-2.0
"""The command line of vni-demo, and what is left behind however it ends."""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import time
import traceback
from types import FrameType

from . import table
from .errors import DemoError
from .lab import TOP, Lab
from .record import Record
from .run import Run
from .screen import Screen
from .where import KINDS, Where

_STATE = "ethtool -S vni0; ip -s link show vni0; grep -E 'CPU|vni' /proc/interrupts; ss -tinm; ps"
_QUIET = 0.7  # load of the host below which nothing else of weight runs there
_TAIL = 15  # lines of each console that a failure shows


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="vni-demo", description="Bring up two nodes on one machine, connect them with VNI, "
        "show what crosses, beside veth within one kernel.")
    parser.add_argument("--kver", default="6.12", help="kernel series of both nodes (6.12)")
    parser.add_argument("--env", default="partition", choices=list(KINDS), help="what kind of "
                        "nodes (default: partition, one partitioned machine)")
    parser.add_argument("--name", default="demo", help="of the lab (default demo)")
    parser.add_argument("--measure", choices=["all", "tcp", "udp", "rtt"], default="all",
                        help="only these figures; packages and build are left alone then")
    parser.add_argument("--runs", type=int, default=5, help="of each TCP stream (default 5)")
    parser.add_argument("--seconds", type=int, default=2, help="for each TCP run (default 2)")
    parser.add_argument("--forms", action="store_true",
                        help="with --measure tcp: also in the other forms")
    parser.add_argument("--cpu0", type=int, metavar="CPU", help="where node 0's programs run when "
                        "they use VNI (default: the CPU that its doorbells interrupt)")
    parser.add_argument("--keep", action="store_true", help="leave the nodes up at the end")
    parser.add_argument("--lab", action="append", default=[], metavar="ARG",
                        help="add to the arguments of vni-lab up (--lab=--accel=tcg)")
    args = parser.parse_args(argv)
    if args.runs < 1 or args.seconds < 1:
        parser.error("--runs and --seconds: at least 1")
    if args.env == "uml" and args.kver != "6.12":
        parser.error(f"--kver {args.kver}: User-Mode Linux has 6.12 only")
    return args


def sequence(run: Run, args: argparse.Namespace) -> None:
    run.boot()
    run.connect()
    if args.measure in ("all", "tcp"):
        run.stream(args.measure == "all" or args.forms)
    if args.measure in ("all", "udp"):
        run.datagrams()
    if args.measure in ("all", "rtt"):
        run.round_trips()
    run.check()


def demonstrate(screen: Screen, lab: Lab, record: Record, run: Run, args: argparse.Namespace
                ) -> None:
    """All of it; a run that QEMU has spoilt starts over from the boot on, once."""
    if args.measure == "all":
        run.prepare()
    try:
        sequence(run, args)
    except Exception:
        if not lab.spoilt():
            raise
    else:
        return
    screen.say("A kernel died of a breakpoint that was not in its text any more: a fault of QEMU's "
               "TCG, not of VNI. Starting over.")
    lab.down(record.home / "lab-first-try")
    run.begin_again()
    sequence(run, args)


def place(facts: dict[str, object], where: Where) -> str:
    kernels = list(dict.fromkeys(facts["kernels"]))  # type: ignore[call-overload]
    emulator = f", QEMU {facts['qemu']} ({facts['accel']})" if where.emulated else ""
    lines = [f"taken on: {where.text}{emulator}; Linux {', '.join(kernels)}",
             f"host: {facts['processor']}, {facts['cores']} cores, load {facts['load']} at the start"]
    if where.note:
        lines.append(where.note)
    if facts["accel"] == "tcg":
        lines.append("An emulated processor: what counts is the ratio, not the rate.")
    if float(str(facts["load"])) >= _QUIET:
        lines.append("The host was busy with other work: figures are lower and less even than it "
                     "could give.")
    return "\n".join(lines)


def finish(screen: Screen, run: Run, record: Record, where: Where) -> None:
    text = "\n".join([table.render(run.facts), "", place(run.facts["place"], where)])
    record.text("table.txt", text + "\n")
    screen.say()
    screen.say(text)
    screen.say(f"From the start of the boot to the end: {time.monotonic() - run.began:.0f} s")


def _folded(lines: list[str]) -> list[str]:
    """Lines that differ in their time stamps only are shown once."""
    result: list[str] = []
    before, count = "", 0
    for line in lines:
        text = re.sub(r"^\[ *[\d.]+\] ", "", line)
        count = count + 1 if text == before else 1
        if count > 1:
            result.pop()
        result.append(line + (f"  ({count} times)" if count > 1 else ""))
        before = text
    return result


def complain(screen: Screen, lab: Lab, record: Record, error: Exception) -> None:
    screen.say()
    screen.say(screen.bold(f"failed at: {screen.step_text or 'the work between two steps'}"))
    screen.say(str(error) if isinstance(error, DemoError)
               else "".join(traceback.format_exception(error)))
    if not lab.ours:
        return
    keep_state(lab, record)
    for node in lab.silent():
        screen.say(f"node {node} does not answer any more")
    for node in range(2):
        lines = _folded(lab.console(node).splitlines())[-_TAIL:]
        screen.say()
        screen.say(screen.bold(f"node {node}, last lines of its console:"))
        for line in lines or ["(it has said nothing, or has none: node 0's kernel is its own)"]:
            screen.say("  " + line)


def keep_state(lab: Lab, record: Record) -> None:
    """After a failure: where frames and streams stand in the nodes that still answer."""
    for node in range(2):
        with contextlib.suppress(DemoError):
            record.text(f"state-node{node}.txt", lab.run(node, "sh", "-c", _STATE, seconds=5))


def keep_logs(lab: Lab, record: Record) -> None:
    for node in range(2):
        record.text(f"console-node{node}.txt", lab.console(node))
        record.text(f"dmesg-node{node}.txt", lab.kernel_log(node))


def end(screen: Screen, lab: Lab, record: Record, run: Run, keep: bool) -> None:
    """In every case; a second Ctrl-C does not stop it."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    record.json("facts.json", run.facts)
    if lab.ours:
        keep_logs(lab, record)
    screen.say()
    if keep and lab.ours:
        lab.leave()
        command = f"tools/vni-lab --name {lab.name}"
        screen.say(f"The nodes stay up:  {command} exec 1 -- ip -s link show vni0")
        screen.say(f"                    {command} console 1      (Ctrl-] leaves it)")
        screen.say(f"                    {command} down")
    lab.down(record.home / "lab")
    screen.say(f"JSON and logs: {os.path.relpath(record.home)}")


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def main(argv: list[str]) -> int:
    args = parse(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    screen = Screen()
    record = Record(TOP / "build" / "demo")
    lab = Lab(args.name, args.env, args.kver, args.lab)
    run = Run(screen, lab, record, args)
    code = 1
    try:
        demonstrate(screen, lab, record, run, args)
        finish(screen, run, record, KINDS[args.env])
        code = 0
    except Exception as error:  # pylint: disable=broad-except
        complain(screen, lab, record, error)
    except KeyboardInterrupt:
        screen.say("interrupted")
        code = 130
    finally:
        end(screen, lab, record, run, args.keep)
    return code
