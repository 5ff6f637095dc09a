# SPDX-License-Identifier: GPL-2.0
"""What a run of tests comes to: for a person, as JSON, as JUnit's XML."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from typing import Any

from .ktap import FAIL, LOST, PASS, SKIP, TIMEOUT, Result

_BAD = (FAIL, TIMEOUT, LOST)


def failed(results: list[Result]) -> int:
    bad = sum(result.outcome in _BAD for result in results)
    ran = any(result.outcome != SKIP for result in results)
    return bad if ran else max(1, bad)  # a run in which nothing was tested has failed


def summary(results: list[Result]) -> str:
    count = Counter(result.outcome for result in results)
    lines = []
    for result in results:
        if result.outcome in _BAD:
            lines.append(f"{result.outcome.upper()} {result.script}: {result.name}")
            lines += [f"    {line}" for line in result.detail.splitlines()[-30:]]
    if count[TIMEOUT] or count[LOST]:
        lines.append(f"of the failed, {count[TIMEOUT]} ran out of time and {count[LOST]} were lost")
    if not any(result.outcome != SKIP for result in results):
        lines.append("no test was run: that is a failure")
    last = f"{count[PASS]} passed, {failed(results)} failed"
    if count[SKIP]:
        last += f", {count[SKIP]} skipped"
    return "\n".join([*lines, last])


def write_json(path: Path, results: list[Result], facts: dict[str, Any], notes: list[str]) -> None:
    count = Counter(result.outcome for result in results)
    value = {
        **facts,
        "passed": count[PASS],
        "failed": failed(results),
        "skipped": count[SKIP],
        "timeout": count[TIMEOUT],
        "lost": count[LOST],
        "notes": notes,
        "tests": [result._asdict() for result in results],
    }
    path.write_text(json.dumps(value, indent=1) + "\n")


def write_junit(path: Path, results: list[Result], facts: dict[str, str]) -> None:
    suite = ET.Element(
        "testsuite",
        name=" ".join(facts.values()),
        tests=str(len(results)),
        failures=str(failed(results)),
        skipped=str(sum(result.outcome == SKIP for result in results)),
    )
    for result in results:
        case = ET.SubElement(suite, "testcase", classname=result.script, name=result.name)
        if result.outcome == SKIP:
            ET.SubElement(case, "skipped", message=result.detail)
        elif result.outcome in _BAD:
            failure = ET.SubElement(case, "failure", type=result.outcome)
            failure.text = result.detail
    ET.ElementTree(suite).write(path, encoding="unicode", xml_declaration=True)
