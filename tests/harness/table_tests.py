# SPDX-License-Identifier: GPL-2.0
"""Tests of tests/table: a table that says too much or too little fails. No machine is needed.

tests/harness/run runs them among its own; with --only "README's table" it runs nothing else.
"""

import importlib.machinery
import importlib.util
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
COMMAND = Path(__file__).resolve().parents[1] / "table"
_loader = importlib.machinery.SourceFileLoader("vni_table", str(COMMAND))
_spec = importlib.util.spec_from_loader("vni_table", _loader)
assert _spec
table = importlib.util.module_from_spec(_spec)
sys.modules["vni_table"] = table
_loader.exec_module(table)

_HEAD = ("# A project\n\n## What runs where\n\nText.\n\n"
         "| Where | `--env` | Kernels | Architecture | Tested by |\n|---|---|---|---|---|\n")
_PARTITION = "| a machine | `partition` | 6.12, 6.12 with 6.1 | x86-64 | `make test` |\n"
_ARM = "| machines | `ivshmem` | 6.12 | arm64 | on request: `tests/all arm64` |\n"
_NEW, _OLD, _FAR = "6.12.117+deb12-amd64", "6.1.0-56-amd64", "6.12.117+deb12-arm64"


class Scratch:
    """A README and a folder of logs, and what tests/table says of them."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def result(self, name: str, env: str, releases: list[str], outcomes: list[str],
               **more: Any) -> None:
        home = self.path / "logs" / name
        home.mkdir(parents=True)
        value = {"kver": "6.12", "env": env, "scripts": "tests/selftests", "run": "one",
                 "labs": {"01-x": {"plain": False, "releases": releases}},
                 "tests": [{"script": "01-x", "name": "t", "outcome": outcome, "detail": ""}
                           for outcome in outcomes]}
        (home / "results.json").write_text(json.dumps({**value, **more}))

    def both_kernels(self, **more: Any) -> None:
        self.result("6.12-partition", "partition", [_NEW], ["pass", "skip"], **more)
        self.result("nodes-mixed", "partition", [_NEW, _OLD], ["pass", "pass"], **more)

    def check(self, *rows: str, head: str = _HEAD) -> tuple[int, list[str]]:
        """Its exit code and its lines."""
        readme = self.path / "README.md"
        readme.write_text(head + "".join(rows) + "\n## Speed\n\n| not | ours |\n|---|---|\n")
        done = subprocess.run([COMMAND, "--readme", readme, "--logs", self.path / "logs",
                               "--run", "one"], capture_output=True, text=True)
        assert not done.stderr, done.stderr
        return done.returncode, done.stdout.splitlines()


def a_true_table_holds(s: Scratch) -> None:
    s.both_kernels()
    code, lines = s.check(_PARTITION, _ARM)
    assert (code, lines[-1]) == (0, "2 passed, 0 failed, 1 skipped"), lines


def a_claim_without_result_fails(s: Scratch) -> None:
    s.both_kernels()
    code, lines = s.check(_PARTITION, "| a pair | `pair` | 6.12 | x86-64 | `make test` |\n")
    assert (code, lines[-1]) == (1, "2 passed, 1 failed"), lines
    assert lines[2].startswith("not ok - pair, 6.12, x86-64"), lines


def a_claim_whose_tests_failed_fails(s: Scratch) -> None:
    s.both_kernels()
    s.result("more", "partition", [_NEW], ["pass", "timeout"])
    code, lines = s.check(_PARTITION)
    assert (code, lines[-1]) == (1, "1 passed, 1 failed"), lines


def a_claim_of_which_all_was_skipped_fails(s: Scratch) -> None:
    s.result("6.12-partition", "partition", [_NEW], ["skip"])
    s.result("nodes-mixed", "partition", [_NEW, _OLD], ["pass"])
    assert s.check(_PARTITION)[1][-1] == "1 passed, 1 failed"


def a_lab_that_did_not_come_up_fails_its_rows(s: Scratch) -> None:
    s.both_kernels()
    s.result("more", "partition", [], ["lost"])
    assert s.check(_PARTITION)[1][-1] == "0 passed, 2 failed"


def what_the_table_does_not_name_fails(s: Scratch) -> None:
    s.both_kernels()
    s.result("6.1-partition", "partition", [_OLD], ["pass"])
    code, lines = s.check(_PARTITION)
    assert (code, lines[-1]) == (1, "2 passed, 1 failed"), lines
    assert lines[2].startswith("not ok - partition, 6.1, x86-64: 1 passed"), lines


def the_order_of_kernels_counts(s: Scratch) -> None:
    """Node 0 with 6.1 is another thing than the others with 6.1."""
    s.result("6.12-partition", "partition", [_NEW], ["pass"])
    s.result("nodes-mixed", "partition", [_OLD, _NEW], ["pass"])
    assert s.check(_PARTITION)[1][-1] == "1 passed, 2 failed"


def kernels_are_those_that_ran(s: Scratch) -> None:
    """What a run was asked for (its kver says 6.12) proves nothing."""
    s.both_kernels()
    s.result("x", "uml", [_OLD], ["pass"])
    row = "| processes | `uml` | 6.12 | x86-64 | `make test` |\n"
    assert s.check(_PARTITION, row)[1][-1] == "2 passed, 2 failed"


def on_request_is_checked_where_it_ran(s: Scratch) -> None:
    s.both_kernels()
    s.result("arm64-nodes", "ivshmem", [_FAR], ["pass"])
    assert s.check(_PARTITION, _ARM)[1][-1] == "3 passed, 0 failed"
    s.result("arm64-more", "ivshmem", [_FAR], ["fail"])
    assert s.check(_PARTITION, _ARM)[1][-1] == "2 passed, 1 failed"


def one_run_may_have_several_labs(s: Scratch) -> None:
    labs = {"30-x": {"plain": False, "releases": [_NEW]}, "32-x": {"plain": True,
                                                                   "releases": [_NEW]}}
    tests = [{"script": script, "name": "t", "outcome": "pass", "detail": ""} for script in labs]
    tests.append({"script": "20-x", "name": "all", "outcome": "skip", "detail": "not for ivshmem"})
    s.result("6.12-ivshmem", "ivshmem", [], [], labs=labs, tests=tests)
    bells = "| machines | `ivshmem` | 6.12 | x86-64 | `make test` |\n"
    plain = "| the same | `ivshmem --plain` | 6.12 | x86-64 | `make test` |\n"
    assert s.check(bells, plain)[1][-1] == "2 passed, 0 failed"
    assert s.check(bells)[1][-1] == "1 passed, 1 failed"


def other_results_do_not_count(s: Scratch) -> None:
    """Those of an earlier run, and those of the harness's guests."""
    s.both_kernels(run="another")
    s.result("harness", "partition", [_NEW], ["pass"], scripts="tests/harness/guests")
    assert s.check(_PARTITION)[1][-1] == "0 passed, 2 failed"


def a_table_that_cannot_be_read_fails(s: Scratch) -> None:
    s.both_kernels()
    for rows, head in (((_PARTITION,), _HEAD.replace("What runs", "Where")),
                       ((), _HEAD),
                       ((_PARTITION,), _HEAD.replace("Kernels", "Linux")),
                       ((_PARTITION.replace("6.12,", "all,"),), _HEAD),
                       ((_PARTITION.replace("x86-64", "x86"),), _HEAD),
                       ((_PARTITION.replace("| a machine", ""),), _HEAD),
                       ((_PARTITION, _PARTITION), _HEAD)):
        code, lines = s.check(*rows, head=head)
        assert (code, lines[-1]) == (1, "0 passed, 1 failed"), (rows, lines)


def the_readme_can_be_read(_: Scratch) -> None:
    readme = (COMMAND.parents[1] / "README.md").read_text()
    assert len(table.claims(readme)) >= 5


_ALL = (
    a_true_table_holds, a_claim_without_result_fails, a_claim_whose_tests_failed_fails,
    a_claim_of_which_all_was_skipped_fails, a_lab_that_did_not_come_up_fails_its_rows,
    what_the_table_does_not_name_fails, the_order_of_kernels_counts, kernels_are_those_that_ran,
    on_request_is_checked_where_it_ran, one_run_may_have_several_labs, other_results_do_not_count,
    a_table_that_cannot_be_read_fails, the_readme_can_be_read,
)


def tests() -> list[tuple[str, Callable[[], None]]]:
    def in_scratch(test: Callable[[Scratch], None]) -> Callable[[], None]:
        def run() -> None:
            with tempfile.TemporaryDirectory() as path:
                test(Scratch(Path(path)))

        return run

    return [("README's table: " + test.__name__.replace("_", " "), in_scratch(test))
            for test in _ALL]
