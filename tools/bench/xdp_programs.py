# SPDX-License-Identifier: GPL-2.0
"""The programs of xdp-tools in a node: begun, ended, and what they tell; and what a device counts
meanwhile."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import NamedTuple

from demo.errors import DemoError
from demo.lab import Lab, slow
from lab.programs import HostPrograms

from .errors import BenchError

PROGRAMS = ("xdp-bench",)
_DISPATCHER = "bpf/xdp-dispatcher.o"  # libxdp loads it whenever it attaches a program
_LOGS = "/run"
_READY = 20  # seconds: a program reads the kernel's types first, megabytes of them

_BEGIN = "{command} </dev/null >{log} 2>&1 & echo $!"
_WATCH = """for n in $(seq {tries}); do
	grep -qF '{ready}' {log} && exit
	[ -e /proc/{pid}/exe ] || break
	sleep 0.1
done
cat {log} >&2
echo 'it has not said "{ready}"' >&2
exit 1"""
# not by SIGINT, to which a shell's children in the background are deaf
_END = """kill -TERM {pid} 2>/dev/null || true
for n in $(seq {tries}); do
	[ -e /proc/{pid}/exe ] || break  # gone, or a zombie
	sleep 0.1
done
[ ! -e /proc/{pid}/exe ] || {{ kill -KILL {pid}; echo it does not end >&2; exit 1; }}
cat {log}"""
# bash knows the time of day in microseconds, which no other program of a node tells
_LOOK = """look() {{
	echo "time $EPOCHREALTIME"
	for d in {devices}; do echo "$d $(</sys/class/net/$d/statistics/rx_packets)"; done
	ethtool -S {device}
}}
arrived() {{ echo $(</sys/class/net/{device}/statistics/rx_packets); }}
"""
_SAMPLE = """began=$(arrived)
for n in $(seq {tries}); do
	[ $(arrived) -gt $((began + 100)) ] && break
	sleep 0.05
done
look
sleep {seconds}
look
last=$(arrived)
sleep 0.1
[ $(arrived) -gt $last ] || {{ echo 'frames have ended too early to be counted' >&2; exit 1; }}"""


def files() -> list[str]:
    """For Lab.up(): the programs and all that they need there."""
    host, found = HostPrograms(), []
    for name in PROGRAMS:
        path = host.find(name)
        if not path:
            raise BenchError(f"{name}: not found (package xdp-tools); see tools/deps check bench")
        found += [f"{path}:/usr/bin/{name}"]
        found += [f"{source}:{target}" for target, source in host.libraries(path)]
    return [*dict.fromkeys(found), f"{dispatcher()}:{dispatcher()}"]


def dispatcher() -> Path:
    """Here, and in the nodes that got files(). Beside the dispatcher it has a program xdp_pass."""
    objects = sorted(Path("/usr/lib").glob(f"*/{_DISPATCHER}"))
    if not objects:
        raise BenchError(f"{_DISPATCHER}: not found (package libxdp1); see tools/deps check bench")
    return objects[0]


class Program:
    """A command that runs in a node until it is ended."""

    def __init__(self, lab: Lab, node: int, ready: str, *argv: str) -> None:
        """It does its work when it has said `ready`."""
        self._lab, self._node, self._argv = lab, node, argv
        self._log = f"{_LOGS}/{'-'.join(argv).replace('/', '_')}.log"
        begin = _BEGIN.format(command=" ".join(argv), log=self._log)
        self._pid = lab.sh(node, begin).strip()
        watch = _WATCH.format(ready=ready, log=self._log, pid=self._pid,
                              tries=round(10 * _READY * slow()))
        try:
            lab.sh(node, watch, seconds=_READY + 30)
        except DemoError:
            with contextlib.suppress(DemoError):
                self.end()
            raise

    def end(self) -> str:
        """What it has said."""
        script = _END.format(pid=self._pid, log=self._log,
                             tries=round(10 * _READY * slow()))
        return self._lab.sh(self._node, script, seconds=_READY + 30)


def received(text: str) -> int:
    """Packets in all, of what xdp-bench says when it ends."""
    found = re.search(r"Packets received +: ([\d,.']+)", text)
    if not found:
        raise BenchError(f"xdp-bench tells no packets received:\n{text[-500:]}")
    return int(re.sub(r"\D", "", found[1]))


class Look(NamedTuple):
    """What a node counts at one moment."""

    time: float  # seconds
    arrived: dict[str, int]  # at devices
    counts: dict[str, int]  # of one device and its driver, of all queues


def looks(text: str, devices: tuple[str, ...]) -> list[Look]:
    """Whatever the driver calls its queues: VNI and veth are known."""
    found = []
    for part in re.split("^time ", text, flags=re.MULTILINE)[1:]:
        counts: dict[str, int] = {}
        for name, value in re.findall(r"^ *(?:q|rx_queue_)\d+_(\w+): (\d+)$", part, re.MULTILINE):
            counts[name] = counts.get(name, 0) + int(value)
        arrived = {device: re.search(rf"^{device} (\d+)$", part, re.MULTILINE)
                   for device in devices}
        missing = [device for device, match in arrived.items() if not match]
        if missing or not counts:
            raise BenchError(f"no counts of {', '.join(missing) or 'the driver'}:\n{part[:500]}")
        found.append(Look(float(part.partition("\n")[0].replace(",", ".")),
                          {device: int(match[1]) for device, match in arrived.items() if match},
                          counts))
    return found


def look(lab: Lab, node: int, device: str) -> Look:
    script = _LOOK.format(device=device, devices=device) + "look"
    return looks(lab.run(node, "bash", "-ec", script), (device,))[0]


def sample(lab: Lab, node: int, device: str, beside: str, seconds: float) -> tuple[Look, Look]:
    """Before and after so many seconds, from when frames arrive at the device (or nearly so)."""
    script = _LOOK.format(device=device, devices=f"{device} {beside}")
    script += _SAMPLE.format(seconds=seconds, tries=round(100 * slow()))
    text = lab.run(node, "bash", "-ec", script, seconds=seconds + 30)
    before, after = looks(text, (device, beside))
    return before, after


def grown(before: Look, after: Look) -> dict[str, int]:
    return {name: value - before.counts.get(name, 0) for name, value in after.counts.items()}
