# SPDX-License-Identifier: GPL-2.0
"""Reading KTAP version 1, distrustfully: what a script did not say did not happen."""

from __future__ import annotations

import re
from typing import NamedTuple

PASS, FAIL, SKIP, TIMEOUT, LOST = "pass", "fail", "skip", "timeout", "lost"
_PLAN = re.compile(r"1\.\.(\d+)\s*(?:#\s*SKIP\b\s*(.*))?$", re.IGNORECASE)
_LINE = re.compile(r"(ok|not ok)\s+(\d+)\s*(?:-\s*)?(.*)$")


class Result(NamedTuple):
    script: str
    name: str
    outcome: str
    detail: str = ""


def _result(script: str, word: str, text: str, detail: str) -> Result:
    name, _, directive = text.partition(" # ")
    if directive.upper().startswith("SKIP"):
        return Result(script, name, SKIP, directive[4:].strip())
    return Result(script, name, PASS if word == "ok" else FAIL, detail)


def read(script: str, output: str) -> list[Result]:
    """The results in a script's output; anything amiss in its form is a failed result."""
    results: list[Result] = []
    faults: list[str] = []
    planned: int | None = None
    notes: list[str] = []
    lines = output.splitlines()
    if not any(line.strip() == "KTAP version 1" for line in lines):
        faults.append("no line \"KTAP version 1\"")
    for line in lines:
        plan, test = _PLAN.match(line), _LINE.match(line)
        if plan and planned is not None:
            faults.append("two plans")
        elif plan:
            planned = int(plan[1])
            if planned == 0 and plan[2] is not None:
                return [Result(script, "all of it", SKIP, plan[2])]
        elif test:
            if int(test[2]) != len(results) + 1:
                faults.append(f"test {test[2]} where {len(results) + 1} was due")
            results.append(_result(script, test[1], test[3], "\n".join(notes)))
            notes = []
        elif line.startswith("Bail out!"):
            faults.append(line)
        elif line.startswith("#"):
            notes.append(line)
    if planned is None:
        faults.append("no plan")
    elif planned != len(results):
        faults.append(f"{planned} tests planned, {len(results)} seen")
    elif planned == 0:
        faults.append("a plan for no tests at all")
    return results + [Result(script, "form of its output", FAIL, fault) for fault in faults]
