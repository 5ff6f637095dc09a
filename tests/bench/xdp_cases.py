# SPDX-License-Identifier: GPL-2.0
"""Tests of the part "xdp": what devices and programs tell, and how programs begin and end."""

import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

from bench import xdp, xdp_programs
from bench.errors import BenchError


class Xdp(unittest.TestCase):
    VNI_SAID = """time 1795.250000
vni0 {0}
rb 7
NIC statistics:
     q0_rx_frames: {0}
     q0_rx_xdp_tx: {1}
     q0_rx_xdp_tx_errors: 2
     q1_rx_xdp_tx: 10
     bells_seen: 3
"""
    VETH_SAID = """time {0}
xb {1}
rb 0
NIC statistics:
     peer_ifindex: 3
     rx_queue_0_xdp_packets: {1}
     rx_queue_0_drops: 5
     rx_queue_0_xdp_redirect: 0
     rx_queue_0_xdp_drops: 0
     rx_queue_0_xdp_tx: 60
     rx_queue_0_xdp_tx_errors: 20
     tx_queue_0_xdp_xmit: 9
"""

    def test_counts_of_all_queues(self) -> None:
        found = xdp_programs.looks(self.VNI_SAID.format(100, 30) + self.VNI_SAID.format(150, 70),
                                   ("vni0", "rb"))
        self.assertEqual([look.arrived for look in found],
                         [{"vni0": 100, "rb": 7}, {"vni0": 150, "rb": 7}])
        self.assertEqual(found[0].time, 1795.25)
        self.assertEqual(xdp_programs.grown(*found),
                         {"rx_frames": 50, "rx_xdp_tx": 40, "rx_xdp_tx_errors": 0})

    def test_each_verdict_has_its_counter(self) -> None:
        text = self.VETH_SAID.format(1.5, 100) + self.VETH_SAID.format(2.0, 1100)
        before, after = xdp_programs.looks(text, ("xb", "rb"))
        rival = xdp._rivals()[xdp.VETH]
        self.assertEqual(xdp._handled(rival, "pass", before, after), 1000)
        self.assertEqual(xdp._handled(rival, "drop", before, after), 0)
        zero = before._replace(counts={})
        self.assertEqual(xdp._handled(rival, "pass", zero, after), 1100 - 60 - 20 - 5)
        self.assertEqual(xdp._handled(rival, "tx", zero, after), 60)
        rate = xdp._rate((before, after), lambda old, new: new.arrived["xb"] - old.arrived["xb"])
        self.assertAlmostEqual(rate, 1000 / 0.5 / 1e6)
        for rivals in xdp._rivals().values():
            self.assertEqual(set(rivals.ends), set(xdp._VERDICTS))

    def test_no_rate_of_nothing(self) -> None:
        before, after = xdp_programs.looks(self.VETH_SAID.format(1, 5) * 2, ("xb", "rb"))
        with self.assertRaisesRegex(BenchError, "0 frames in 0.000 s"):
            xdp._rate((before, after), lambda old, new: 0)

    def test_what_is_missing_is_said(self) -> None:
        with self.assertRaisesRegex(BenchError, "no counts of xb"):
            xdp_programs.looks(self.VNI_SAID.format(1, 2), ("vni0", "xb"))
        with self.assertRaisesRegex(BenchError, "no counts of the driver"):
            xdp_programs.looks("time 1.0\nxb 5\nno stats available\n", ("xb",))
        with mock.patch("bench.xdp_programs.PROGRAMS", ("no-such-program",)), \
                self.assertRaisesRegex(BenchError, "no-such-program: not found.*xdp-tools"):
            xdp_programs.files()

    def test_what_xdp_bench_says_in_the_end(self) -> None:
        self.assertEqual(xdp_programs.received("  Packets received    : 1,234,567   \n"), 1234567)
        with self.assertRaisesRegex(BenchError, "(?s)no packets received.*Summary"):
            xdp_programs.received("Summary   0 rx/s\n")

    class Here:
        """A node that is this machine."""

        @staticmethod
        def sh(_node: int, script: str, **_: Any) -> str:
            done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True)
            if done.returncode:
                raise BenchError(done.stderr.strip())
            return done.stdout

    def program(self, text: str, ready: str = "ready") -> xdp_programs.Program:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        path = Path(scratch.name) / "program"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        with mock.patch("bench.xdp_programs._LOGS", scratch.name), \
                mock.patch("bench.xdp_programs._READY", 1):
            return xdp_programs.Program(self.Here(), 0, ready, str(path))  # type: ignore[arg-type]

    def test_a_program_is_ready_and_ends(self) -> None:
        made = self.program("trap 'echo bye; exit' TERM\necho ready; while :; do sleep 0.1; done")
        self.assertEqual(made.end(), "ready\nbye\n")

    def test_a_program_that_ends_by_itself_or_is_never_ready(self) -> None:
        with self.assertRaisesRegex(BenchError, "(?s)no such device.*has not said .ready"):
            self.program("echo no such device; exit 1")
        with self.assertRaisesRegex(BenchError, "has not said .ready"):
            self.program("exec sleep 100")
