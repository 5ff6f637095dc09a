# SPDX-License-Identifier: GPL-2.0
"""The command line of vni-lab."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import uuid
from pathlib import Path

from .client import CODE_LOST, Run, ask, write_all
from .errors import LabError
from .freeze import freeze
from .klog import STALE, panics_in, trouble_in, until_emulator_fault
from .paths import BUILD, slow
from .state import State, all_names
from .target import ARCHES

CODE_STALE = 3  # of dmesg-check: all trouble comes from a stale breakpoint of QEMU
_BACKGROUND = 'setsid "$@" </dev/null >/run/bg/$0.log 2>&1 & echo $!'
_EPILOG = """\
example:
  vni-lab up                                   node 0 and node 1, a stock kernel each
  vni-lab exec 1 -- uname -r                   output and exit code are those of the command
  vni-lab push 0 build/6.12*/vni.ko /tmp/vni.ko
  vni-lab dmesg-check                          any warning in a kernel log is a failure
  vni-lab down

exit codes of exec: the command's own; 128 + N: ended by signal N; 124: timeout;
125: the lab or the node is not there, or was lost. Documentation/lab.rst tells more.
"""


def _exec(state: State, args: argparse.Namespace) -> int:
    argv = args.argv
    if not argv:
        raise LabError("exec: which command? (vni-lab exec NODE -- CMD...)")
    if args.background:
        tag = uuid.uuid4().hex[:8]
        argv = ["/bin/sh", "-c", _BACKGROUND, tag, *argv]
    timeout = args.timeout * slow()
    source = None if args.background or not args.stdin else 0
    return Run(state, args.node, argv, timeout).go(source, write_all(1), write_all(2))


def _push(state: State, args: argparse.Namespace) -> int:
    source = Path(args.file)
    mode = "755" if os.access(source, os.X_OK) else "644"
    script = (
        'd=$1; [ -d "$d" ] && d=$d/$2; mkdir -p "${d%/*}/" && cat >"$d.$$" && '
        f'chmod {mode} "$d.$$" && mv "$d.$$" "$d"'
    )
    dest = args.dest if args.dest.startswith("/") else "/root/" + args.dest
    argv = ["/bin/sh", "-c", script, "push", dest, source.name]
    with source.open("rb") as data:
        return Run(state, args.node, argv).go(data.fileno(), write_all(1), write_all(2))


def _pull(state: State, args: argparse.Namespace) -> int:
    scratch = Path(f"{args.file}.{os.getpid()}")
    try:
        with scratch.open("wb") as out:
            argv = ["cat", "--", args.path]
            code = Run(state, args.node, argv).go(None, write_all(out.fileno()), write_all(2))
        if code == 0:
            scratch.replace(args.file)
        return code
    finally:
        scratch.unlink(missing_ok=True)


def _kernel_log(state: State, node: int) -> tuple[str, str]:
    """The node's kernel log up to this moment; what its console said if it is beyond asking."""
    try:
        reply = ask(state, {"op": "sync", "node": node, "timeout": 5 * slow()})
        synced = bool(reply["synced"])
    except LabError:
        synced = False
    text = (state.home / f"node{node}.kmsg").read_text("utf-8", "replace")
    return text, "" if synced else _console_log(state, node)


def _console_log(state: State, node: int) -> str:
    try:
        return str(ask(state, {"op": "log", "node": node})["text"])
    except LabError as error:
        path = state.home / f"node{node}.console"
        if path.exists():
            return path.read_text("utf-8", "replace")
        return f"(no console: {error})\n"


def _kept_console(state: State, node: int) -> str:
    """Node 0's console; of another node, what its console had said whenever it went."""
    path = state.home / f"node{node}.console"
    return path.read_text("utf-8", "replace") if path.exists() else ""


def _log(state: State, args: argparse.Namespace) -> int:
    if args.kernel:
        text, _ = _kernel_log(state, args.node)
    else:
        text = _console_log(state, args.node)
    sys.stdout.write(text)
    return 0


def _nodes(state: State) -> int:
    config = state.load("config.json")
    if not config:
        raise LabError(f"lab {state.name} is not up")
    return int(config["nodes"])


def _allowed(path: str | None) -> list[tuple[str, re.Pattern[str]]]:
    """A file of lines "NODE REGEX": trouble that a test brings about on purpose."""
    if not path or not Path(path).exists():
        return []
    pairs = [line.split(None, 1) for line in Path(path).read_text().splitlines() if line.strip()]
    return [(node, re.compile(pattern)) for node, pattern in pairs]


def _dmesg_check(state: State, args: argparse.Namespace) -> int:
    nodes = range(_nodes(state)) if args.node is None else [args.node]
    env = state.load("config.json")["env"]
    allowed = _allowed(args.allow)
    bad = other = 0  # other: what no fault of the emulator explains
    marks = {}
    if args.mark and Path(args.mark).exists():
        marks = json.loads(Path(args.mark).read_text())
    for node in nodes:
        text, console = _kernel_log(state, node)
        seen = int(marks.get(str(node), 0))
        marks[str(node)] = len(text)
        said = int(marks.get(f"c{node}", 0))
        kept = _kept_console(state, node)
        marks[f"c{node}"] = len(kept)
        # The console of a partitioned machine's node N begins anew with each of its boots.
        whole = node == 0 or env != "partition"
        logs = [text[seen:], kept[said:], console[said:] if whole else console]
        lines = _trouble(logs, node, allowed)
        bad += len(lines)
        for line in lines:
            print(f"node {node}: {line}")
        before = [until_emulator_fault(log) for log in logs]
        stale = any(proved for _, proved in before)
        other += len(_trouble([log for log, _ in before], node, allowed) if stale else lines)
    if args.mark:
        Path(args.mark).write_text(json.dumps(marks))
    if bad and not other:
        print(STALE)
        return CODE_STALE
    return 1 if bad else 0


def _trouble(logs: list[str], node: int, allowed: list[tuple[str, re.Pattern[str]]]) -> list[str]:
    """Trouble in a node's kernel log, in what it had said when it went, in its console."""
    log, kept, console = logs
    lines = dict.fromkeys(trouble_in(log) + panics_in(kept) + trouble_in(console))
    return [line for line in lines
            if not any(who == str(node) and what.search(line) for who, what in allowed)]


def _wait(state: State, args: argparse.Namespace) -> int:
    request = {"op": "wait", "node": args.node, "timeout": args.timeout * slow(),
               "not_boot": args.after}
    reply = ask(state, request)
    if not reply["up"]:
        raise LabError(f"node {args.node} is not up after {args.timeout * slow():.0f} s")
    print(reply["boot_id"])
    return 0


def _status(state: State, args: argparse.Namespace) -> int:
    if args.all:
        for name in all_names():
            print(name, "up" if State(name).alive("daemon") else "gone")
        return 0
    if not state.alive("daemon"):
        if args.json:
            print(json.dumps({"name": state.name, "phase": "down", "nodes": []}))
        else:
            print(f"lab {state.name} is down")
        return 1
    status = ask(state, {"op": "status", "timeout": 5 * slow()})
    if args.json:
        print(json.dumps(status))
    else:
        print(f"lab {status['name']} ({status['env']}, {status['accel']}): {status['phase']} "
              f"for {status['seconds']:.0f} s {status['why']}")
        for node in status["nodes"]:
            print(f"  node {node['node']}: {node['state']} {node.get('release', '')}")
    good = status["phase"] == "up" and all(node["state"] == "up" for node in status["nodes"])
    return 0 if good else 1


def _console(state: State, args: argparse.Namespace) -> int:
    from .console import console  # pylint: disable=import-outside-toplevel

    return console(state, args.node)


def _up(state: State, args: argparse.Namespace) -> int:
    from .up import up  # pylint: disable=import-outside-toplevel

    return up(state, args)


def _down(state: State, args: argparse.Namespace) -> int:
    from .up import down, down_all  # pylint: disable=import-outside-toplevel

    if args.all:
        return down_all()
    return down(state, Path(args.keep_logs) if args.keep_logs else None)


def _change(state: State, args: argparse.Namespace) -> int:
    request = {"op": args.change, "node": args.node, "slot": getattr(args, "slot", 0)}
    reply = ask(state, request)
    if args.change == "kill":
        print(int(reply["at"] * 1000))
    return 0


def _freeze(state: State, args: argparse.Namespace) -> int:
    freeze(state, args.seconds)
    return 0


def _server(state: State, _args: argparse.Namespace) -> int:
    ask(state, {"op": "server"})
    return 0


def _qmp(state: State, args: argparse.Namespace) -> int:
    try:
        command = json.loads(args.command)
    except ValueError as error:
        raise LabError(f'qmp: expected {{"execute": ...}}, got {args.command}: {error}') from error
    print(json.dumps(ask(state, {"op": "qmp", "node": args.node, "command": command})["return"]))
    return 0


def _net(state: State, _args: argparse.Namespace) -> int:
    from .up import network  # pylint: disable=import-outside-toplevel

    network(state, _nodes(state))
    return 0


def _add_up(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    up = commands.add_parser("up", help="build images, boot the nodes")
    up.set_defaults(run=_up)
    up.add_argument("--env", default="partition",
                    choices=["partition", "ivshmem", "uml", "pair"],
                    help="what kind of nodes (default: one partitioned machine)")
    up.add_argument("--uml", dest="env", action="store_const", const="uml",
                    help="the same as --env uml")
    up.add_argument("--plain", action="store_true", help="ivshmem: a window without doorbells")
    up.add_argument("--kver", default="6.12", help="kernel series of the nodes (default 6.12)")
    up.add_argument("--node1-kver", help="another series for the nodes after node 0")
    up.add_argument("--arch", default=ARCHES[0], choices=ARCHES,
                    help="ivshmem: architecture of the nodes; others than this machine's are "
                    "emulated, see Documentation/arm64.rst")
    up.add_argument("--node1-arch", choices=ARCHES, help="another for the nodes after node 0")
    up.add_argument("--nodes", type=int, default=2, help="how many (default 2)")
    up.add_argument("--cpus0", type=int, help="CPUs of node 0 (2; ivshmem: 1 if there are more than 2)")
    up.add_argument("--cpus1", type=int, help="CPUs of every other node (1; ivshmem: as node 0)")
    up.add_argument("--mem", default="1G", help="partition: memory of node 0 (default 1G)")
    up.add_argument("--node-mem", help="memory of every other node (512M; ivshmem: of every node, 256M)")
    up.add_argument("--window", help="size of the shared window (64M; ivshmem: 16M a node)")
    up.add_argument("--accel", default="auto", choices=["auto", "tcg", "kvm"],
                    help="auto: KVM if a kernel boots under it here, else TCG")
    up.add_argument("--pin", action="store_true",
                    help="uml: each node on a CPU of the host of its own, as far as they go")
    up.add_argument("--net", action="store_true", help="also insmod, link up, addresses")
    up.add_argument("--add", action="append", default=[], metavar="FILE[:PATH]",
                    help="put a file into every node's image (default: into /root)")
    up.add_argument("--modules", type=Path, default=BUILD, metavar="DIR",
                    help="our modules are in DIR/RELEASE/*.ko (default: build)")
    up.add_argument("--append", action="append", default=[], metavar="WORD",
                    help="add to node 0's kernel command line")
    up.add_argument("--node-append", action="append", default=[], metavar="WORD",
                    help="add to the other nodes' kernel command line")
    up.add_argument("--qemu", action="append", default=[], metavar="ARG",
                    help="add to QEMU's arguments (--qemu=-device --qemu=...)")


def _add_node_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    def add(name: str, run: object, text: str) -> argparse.ArgumentParser:
        parser = commands.add_parser(name, help=text)
        parser.set_defaults(run=run)
        parser.add_argument("node", type=int)
        return parser

    run = add("exec", _exec, "run a command in a node")
    run.add_argument("--timeout", type=float, default=0, metavar="S",
                     help="kill it after S seconds (times VNI_SLOW)")
    run.add_argument("-d", "--background", action="store_true",
                     help="leave it running, print its pid; output goes to /run/bg in the node")
    run.add_argument("-i", "--stdin", action="store_true", help="give it our standard input")
    run.usage = "vni-lab exec [-h] [--timeout S] [-d] [-i] [--name NAME] NODE -- CMD..."
    add("console", _console, "talk to a node's console; Ctrl-] leaves it")
    push = add("push", _push, "copy a file into a node")
    push.add_argument("file")
    push.add_argument("dest")
    pull = add("pull", _pull, "copy a file out of a node")
    pull.add_argument("path")
    pull.add_argument("file")
    log = add("log", _log, "print what a node's console has said so far")
    log.add_argument("-k", "--kernel", action="store_true", help="the kernel's log only")
    wait = add("wait", _wait, "wait for a node to answer, print the id of its boot")
    wait.add_argument("--timeout", type=float, default=60, metavar="S")
    wait.add_argument("--after", default="", metavar="BOOT", help="for another boot than this")


def _add_changes(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for name, text in (("kill", "end a node without its having a say in it; prints when that"
                        " was, in ms since 1970"),
                       ("start", "boot a node again that has ended"),
                       ("plug", "ivshmem: give a running node a device"),
                       ("unplug", "ivshmem: take a device from a running node")):
        parser = commands.add_parser(name, help=text)
        parser.set_defaults(run=_change, change=name)
        parser.add_argument("node", type=int)
        if name.endswith("plug"):
            parser.add_argument("slot", type=int, nargs="?", default=0,
                                help="0: the device it has booted with (default); 1: another")
    freeze = commands.add_parser("freeze", help="stop the whole lab for a while, as a host may")
    freeze.set_defaults(run=_freeze)
    freeze.add_argument("seconds", type=float)
    server = commands.add_parser("server", help="ivshmem: end the server, start another")
    server.set_defaults(run=_server)
    server.add_argument("verb", choices=["restart"])
    qmp = commands.add_parser("qmp", help="ivshmem: a command for a node's QEMU, as JSON")
    qmp.set_defaults(run=_qmp)
    qmp.add_argument("node", type=int)
    qmp.add_argument("command", metavar="JSON")


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="vni-lab", description="Several Linux kernels on one machine, to try VNI in.",
        epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--name", default=os.environ.get("VNI_LAB", "lab"),
                        help="which lab (default: $VNI_LAB, or lab); several can be up at once")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    _add_up(commands)
    _add_node_commands(commands)
    _add_changes(commands)
    check = commands.add_parser("dmesg-check", help="fail on trouble in any node's kernel log")
    check.set_defaults(run=_dmesg_check)
    check.add_argument("--node", type=int)
    check.add_argument("--mark", metavar="FILE",
                       help="look only at what came since the last check with this file")
    check.add_argument("--allow", metavar="FILE", help="lines NODE REGEX: trouble that is meant")
    net = commands.add_parser("net", help="insmod, link up and addresses on all nodes")
    net.set_defaults(run=_net)
    status = commands.add_parser("status", help="how the lab is; exit code 0: all nodes answer")
    status.set_defaults(run=_status)
    status.add_argument("--json", action="store_true")
    status.add_argument("--all", action="store_true", help="the names of all labs")
    down = commands.add_parser("down", help="end the lab")
    down.set_defaults(run=_down)
    down.add_argument("--keep-logs", metavar="DIR", help="copy its logs there first")
    down.add_argument("--all", action="store_true", help="end all labs")
    for command in commands.choices.values():
        command.add_argument("--name", default=argparse.SUPPRESS, help="which lab")
    end = argv.index("--") if "--" in argv else len(argv)
    args = parser.parse_args(argv[:end])
    args.argv = argv[end + 1 :]
    return args


def main(argv: list[str]) -> int:
    args = parse(argv)
    try:
        return int(args.run(State(args.name), args))
    except LabError as error:
        print(f"vni-lab: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("vni-lab: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        print("vni-lab: the lab went away", file=sys.stderr)
    except OSError as error:
        print(f"vni-lab: {error}", file=sys.stderr)
    return CODE_LOST
