# SPDX-License-Identifier: GPL-2.0
"""The command line of vni-bench, and what is left behind however it ends."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType

from demo.errors import DemoError
from demo.lab import TOP
from demo.record import Record

from . import host, plot, report, targets, turns
from .compare import compare
from .copy import Copy
from .crowd import Crowd
from .errors import BenchError
from .machines import Machines
from .nodes import Nodes
from .parallel import Parallel
from .part import FULL, QUICK, Mode, Part
from .partition import Partition
from .pktgen import Pktgen
from .profile import Profile
from .progress import Progress
from .results import PartState, Results
from .ring import Ring
from .streams import Streams
from .trips import Trips
from .xdp import Xdp

HOME = TOP / "build" / "bench"
_PARTS = ("ring", "streams", "profile", "trips", "pktgen", "parallel", "copy", "crowd",
          "machines", "partition", "xdp")
# unless asked for by name
_NOT_QUICK = ("profile", "parallel", "crowd", "machines", "partition", "xdp")


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="vni-bench", description="Measure VNI beside its rivals, in turns, and write a report "
        "(HTML and JSON); or compare two such reports.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    run = commands.add_parser("run", help="measure, and write a report")
    run.set_defaults(do=_run)
    run.add_argument("--quick", action="store_true", help="in 5 minutes, with 3 runs of each")
    run.add_argument("--runs", type=int, help="of each figure (default 5, with --quick 3)")
    run.add_argument("--seconds", type=float, help="for each stream (default 1, with --quick 0.3)")
    run.add_argument("--part", action="append", choices=_PARTS, metavar="PART",
                     help=f"only this part, may be given again: {', '.join(_PARTS)}")
    run.add_argument("--name", default="bench", help="of the lab (default bench)")
    again = commands.add_parser("compare", help="tell noise from change")
    again.set_defaults(do=_compare)
    again.add_argument("base", type=Path, help="results.json of the earlier run")
    again.add_argument("new", type=Path, nargs="?", default=HOME / "latest" / "results.json",
                       help="of the later one (default: the last run)")
    again.add_argument("--all", action="store_true", help="show what has not changed, too")
    args = parser.parse_args(argv)
    if args.do is _run and ((args.runs or 1) < 1 or (args.seconds or 1) < 0.05):
        parser.error("--runs: at least 1; --seconds: at least 0.05")
    return args


def _mode(args: argparse.Namespace) -> Mode:
    mode = QUICK if args.quick else FULL
    return mode._replace(runs=args.runs or mode.runs, seconds=args.seconds or mode.seconds)


def _one(part: Part, state: PartState, results: Results, progress: Progress, mode: Mode) -> None:
    """Measure a part; whatever goes wrong is told in the report and leaves the others alone."""
    began = progress.seconds()
    progress.part(part.name, part.title)
    results.declare(*part.groups)
    try:
        state.state = "skipped"
        shots = part.prepare()
        state.state = "cut short"
        turns.take(shots, mode.runs, results, state, progress, part.mend)
        state.state = "done"
    except DemoError as error:
        state.why = str(error)
        progress.say(f"{state.state}: {state.why.partition(chr(10))[0]}")
    except KeyboardInterrupt:
        state.state, state.why = "interrupted", "stopped by the user"
        raise
    except Exception as error:  # pylint: disable=broad-except
        # A fault of this program: the figures of the other parts are worth keeping all the same.
        state.state, state.why = "failed", repr(error)
        state.notes.append("".join(traceback.format_exception(error)))
        progress.say(f"failed: {error!r}")
    finally:
        state.notes = part.notes + state.notes
        state.seconds = progress.seconds() - began
        progress.part_done()
        try:
            part.end()
        except DemoError as error:
            state.notes.append(f"afterwards: {error}")


def _measure(parts: list[Part], results: Results, progress: Progress, mode: Mode) -> bool:
    """True if it came to its end."""
    results.parts = [PartState(part.name, part.title) for part in parts]
    try:
        for part, state in zip(parts, results.parts):
            _one(part, state, results, progress, mode)
    except KeyboardInterrupt:
        progress.say("interrupted; the report has what was measured")
        return False
    return True


def _write(results: Results, record: Record, progress: Progress) -> None:
    told = targets.judge(results)
    results.save(record.home / "results.json", [target._asdict() for target in told])
    plots = plot.draw(results)
    page = record.text("report.html", report.page(results, told, plots))
    latest = HOME / "latest"
    latest.unlink(missing_ok=True)
    latest.symlink_to(record.home.name)
    progress.say()
    for line in report.summary(results, told):
        print(line)
    print(f"\nreport: {os.path.relpath(page)}")
    print(f"JSON:   {os.path.relpath(record.home / 'results.json')}")


def _run(args: argparse.Namespace) -> int:
    mode = _mode(args)
    wanted = args.part or [name for name in _PARTS if not mode.quick or name not in _NOT_QUICK]
    results, record = Results(), Record(HOME)
    progress = Progress()
    nodes = Nodes(args.name, record, progress)
    known: dict[str, Part] = {part.name: part for part in (
        Ring(mode), Streams(mode, nodes), Profile(mode, nodes, record), Trips(mode, nodes),
        Pktgen(mode, nodes), Parallel(mode, nodes), Copy(mode), Crowd(mode, args.name, record),
        Machines(mode, args.name, record), Partition(mode, args.name, record),
        Xdp(mode, args.name, record))}
    parts = [known[name] for name in _PARTS if name in wanted]
    progress.plan({part.name: part.expected() for part in parts})
    results.facts = {"taken": time.strftime("%Y-%m-%d %H:%M:%S %z"), "mode": mode._asdict(),
                     "host": host.facts(), "kernel": ""}
    try:
        whole = _measure(parts, results, progress, mode)
        results.parts += [PartState(part.name, part.title, "skipped", "not asked for in this run")
                          for part in known.values() if part not in parts]
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        try:
            nodes.down()
        except DemoError as error:
            progress.say(f"the nodes did not go down: {error}")
    results.facts["kernel"] = nodes.kernel
    results.facts["host"]["load_at_end"] = host.load()
    _write(results, record, progress)
    return 0 if whole else 130


def _compare(args: argparse.Namespace) -> int:
    print(compare(args.base, args.new, args.all))
    return 0


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt(signal.Signals(number).name)


def main(argv: list[str]) -> int:
    args = parse(argv)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        return int(args.do(args))
    except BenchError as error:
        print(f"vni-bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
