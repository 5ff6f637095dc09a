# SPDX-License-Identifier: GPL-2.0
"""Tests of what the benchmark makes of samples; see run."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from bench import report, samples, targets
from bench.errors import BenchError
from bench.results import Key, Results, load


class Profiles(unittest.TestCase):
    LINES = ("# none", *30 * ("  60036aa0 memcpy_orig (/a/linux)",),
             *10 * ("  60036bb0 tcp_sendmsg (/a/linux)",),
             *5 * ("  60a41020 [unknown] (/dev/shm/#40 (deleted))",),
             *3 * ("  60b00010 [unknown] (/dev/shm/#40 (deleted))",),
             *4 * ("ffffffff81 memcpy_orig ([kernel.kallsyms])",),
             "  7f0001 ptrace (/usr/lib/libc.so.6)")
    KNOWN = [samples.Module("vni", 0x60A40000, 0x60A50000),
             samples.Module("pktgen", 0x60B00000, 0x60B10000)]

    @staticmethod
    def rounded(found: list[samples.Sample], total: float = 0) -> list[float]:
        return [round(share, 6) for share in samples.shares(found, total)]

    def test_shares_of_a_process(self) -> None:
        found = samples.parse(self.LINES, self.KNOWN)
        self.assertEqual(self.rounded(found, 100), [0.3, 0.1, 0.05, 0.03, 0.05, 0.47])

    def test_shares_of_a_machine_that_is_looked_at_while_idle(self) -> None:
        found = [samples.Sample(*one) for one in
                 ((2, "kernel", "rep_movs_alternative"), (1, "vni", "vni_poll"), (3, "user", ""),
                  (4, "kernel", "pv_native_safe_halt"))]
        self.assertEqual(self.rounded(found), [0.2, 0, 0.1, 0, 0.3, 0.4])

    def test_a_node_without_samples_is_no_sleeping_node(self) -> None:
        with self.assertRaisesRegex(BenchError, "no samples"):
            samples.shares(samples.parse(self.LINES[:1], self.KNOWN), 100)
        with self.assertRaisesRegex(BenchError, "no samples"):
            samples.shares([])

    def test_shares_stand_in_one_table_and_are_kept(self) -> None:
        made = Results()
        made.declare(samples.group("shares", "some", "uml", "TCP"))
        for key, share in samples.keyed(
                "shares", "VNI", {"sender": samples.parse(self.LINES, self.KNOWN)}, 100).items():
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
