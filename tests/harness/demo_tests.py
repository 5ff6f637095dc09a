# SPDX-License-Identifier: GPL-2.0
"""Tests of the demo that need no machine; tests/harness/run (--only demo:) runs them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.dont_write_bytecode = True
TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tools"))

from demo import table  # noqa: E402


def start_refuses_what_it_does_not_know() -> None:
    """Before anything is installed: deps says what it does on standard output."""
    for words, said in ((("nowhere", "6.12"), "WHERE=nowhere"), (("", "6.12"), "WHERE="),
                        (("pair", "5.10"), "KVER=5.10"), (("uml", "6.1"), "KVER=6.1"),
                        (("pair", ""), "KVER="), (("pair", "6.99.1-none"), "KVER=6.99.1-none")):
        done = subprocess.run([TOP / "tools" / "demo" / "start", *words], capture_output=True,
                              text=True, timeout=20)
        assert done.returncode and not done.stdout, (words, done)
        assert said in done.stderr and "partition|ivshmem|uml|pair" in done.stderr, (words, done)


def vni_demo_refuses_too() -> None:
    for words in (("--env", "nowhere"), ("--env", "uml", "--kver", "6.1"), ("--runs", "0")):
        done = subprocess.run([TOP / "tools" / "vni-demo", *words], capture_output=True, text=True,
                              timeout=20)
        assert done.returncode and not done.stdout and done.stderr, (words, done)


def _tcp(**forms: tuple[float, float]) -> dict[str, Any]:
    def fact(value: float) -> dict[str, Any]:
        return {"median": value, "runs": [value - 1e8, value, value + 1e8]}

    return {"veth": fact(8e9), "bells": 2, "frames": 100,
            "vni": {form: {"there": fact(there), "back": fact(back)}
                    for form, (there, back) in forms.items()}}


def the_table_has_ratios_to_veth() -> None:
    lines = table.render({"tcp": _tcp(mixed=(4e9, 2e9), headtail=(6e9, 16e9))}).splitlines()
    figures = [line.split()[-3:] for line in lines if line.startswith("  ")]
    assert figures == [["8.00", "1.00", "7.90-8.10"], ["4.00", "0.50", "3.90-4.10"],
                       ["2.00", "0.25", "1.90-2.10"], ["6.00", "0.75", "5.90-6.10"],
                       ["16.00", "2.00", "15.90-16.10"]], lines
    assert "median of 3  " in lines[2] and "1 for 50 frames" in lines[-1], lines


def the_table_says_what_was_measured_less_often() -> None:
    facts = _tcp(mixed=(4e9, 2e9), headtail=(6e9, 16e9))
    for fact in facts["vni"]["headtail"].values():
        fact["runs"].pop()
    assert "median of 3 (forms: 2) " in table.render({"tcp": facts}).splitlines()[2]


def the_table_says_whom_the_direct_form_is_for() -> None:
    with_it = table.render({"tcp": _tcp(mixed=(4e9, 2e9), direct=(6e9, 6e9))})
    assert with_it.count("trust each other") == 1 and with_it.count("direct form (*)") == 2
    assert "trust" not in table.render({"tcp": _tcp(mixed=(4e9, 2e9))})


def tests() -> list[tuple[str, Callable[[], None]]]:
    return [("demo: " + test.__name__.replace("_", " "), test)
            for test in (start_refuses_what_it_does_not_know, vni_demo_refuses_too,
                         the_table_has_ratios_to_veth, the_table_says_whom_the_direct_form_is_for,
                         the_table_says_what_was_measured_less_often)]
