# SPDX-License-Identifier: GPL-2.0
"""Tests of what the benchmark makes of samples; see run."""

from __future__ import annotations

import os
import tempfile
import time
import unittest
from pathlib import Path

from bench import report, samples, targets
from bench.errors import BenchError
from bench.results import Key, Results, load


class Profiles(unittest.TestCase):
    KERNEL = 4711
    LINES = ("# none", *30 * (" 4711  60036aa0 memcpy_orig (/a/linux)",),
             *10 * (" 4711  60036bb0 tcp_sendmsg (/a/linux)",),
             *5 * (" 4711  60a41020 [unknown] (/dev/shm/#40 (deleted))",),
             *3 * (" 4711  60b00010 [unknown] (/dev/shm/#40 (deleted))",),
             *4 * (" 4711 ffffffff81 memcpy_orig ([kernel.kallsyms])",),
             " 4711  7f0001 ptrace (/usr/lib/libc.so.6)",
             *2 * (" 4712  60036bb0 [unknown] (/dev/shm/#40 (deleted))",),
             *3 * (" 4712 ffffffff81 ptrace_stop ([kernel.kallsyms])",))
    KNOWN = [samples.Module("vni", 0x60A40000, 0x60A50000),
             samples.Module("pktgen", 0x60B00000, 0x60B10000)]

    @staticmethod
    def rounded(found: list[samples.Sample], kind: str, total: float = 0) -> list[float]:
        return [round(share, 6) for share in samples.shares(found, kind, total)]

    def test_shares_of_the_processes_of_a_node(self) -> None:
        found = samples.parse(self.LINES, self.KERNEL, self.KNOWN)
        self.assertEqual(self.rounded(found, "uml", 100),
                         [0.3, 0.1, 0.05, 0.03, 0.02, 0.08, 0.42])

    def test_perf_tells_where_and_the_scheduler_how_long(self) -> None:
        found = samples.weighed(samples.parse(self.LINES, self.KERNEL, self.KNOWN), 0.87)
        self.assertEqual(self.rounded(found, "uml", 1), [0.45, 0.15, 0.075, 0.045, 0.03, 0.12, 0.13])

    def test_time_on_a_processor(self) -> None:
        before = samples.on_processor([os.getpid()])
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
        used = samples.on_processor([os.getpid(), 2 ** 22 + 1]) - before
        self.assertTrue(0.04 < used < 5, used)

    def test_shares_of_a_machine_that_is_looked_at_while_idle(self) -> None:
        found = [samples.Sample(*one) for one in
                 ((2, "kernel", "rep_movs_alternative"), (1, "vni", "vni_poll"), (3, "user", ""),
                  (4, "kernel", "pv_native_safe_halt"))]
        self.assertEqual(self.rounded(found, "vm"), [0.2, 0, 0.1, 0, 0.3, 0.4])

    def test_a_node_without_samples_is_no_sleeping_node(self) -> None:
        with self.assertRaisesRegex(BenchError, "no samples"):
            samples.shares(samples.parse(self.LINES[:1], self.KERNEL, self.KNOWN), "uml", 100)
        with self.assertRaisesRegex(BenchError, "no samples"):
            samples.shares([], "vm")

    def test_shares_stand_in_one_table_and_are_kept(self) -> None:
        made = Results()
        made.declare(samples.group("shares", "some", "uml", "TCP"))
        parsed = samples.parse(self.LINES, self.KERNEL, self.KNOWN)
        for key, share in samples.keyed("shares", "uml", "VNI", {"sender": parsed}, 100).items():
            made.add(key, share)
        table = report._table(made, made.groups["shares"])  # pylint: disable=protected-access
        for column in made.groups["shares"].columns:
            self.assertIn(f"<th>{column}</th>", table)
        made.facts = {"taken": "", "mode": {}, "host": {}, "kernel": ""}
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "results.json"
            made.save(path, [])
            self.assertEqual(load(path).groups["shares"], made.groups["shares"])

    def test_who_misses_a_target_finds_where_the_time_goes(self) -> None:
        made = Results()
        made.declare(samples.group("shares", "some", "vm", "TCP, in place"))
        told = [targets.Told("TCP", "at least 2 times", "1", "missed", "50%")]
        where = report._where_time_goes  # pylint: disable=protected-access
        self.assertEqual(where(made, told), "")
        made.add(Key("shares", "VNI", 0), 1.0)
        self.assertIn('<a href="#shares">TCP, in place</a>', where(made, told))
        self.assertEqual(where(made, [told[0]._replace(state="reached")]), "")
