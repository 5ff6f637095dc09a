# SPDX-License-Identifier: GPL-2.0
"""Plots of the groups that have an axis, as SVG, by gnuplot."""

from __future__ import annotations

import subprocess
from typing import NamedTuple

from .results import Group, Results

_SIZE = "760,430"
# Ours in strong colours with filled points, rivals in others; told apart without colour as well.
_OURS = ("#0b5cad", "#1f9e89", "#6a3d9a", "#3b7dd8")
_RIVALS = ("#c2410c", "#7a7a7a", "#b8860b", "#a11d48")


class Plots(NamedTuple):
    svg: dict[str, str]  # by group
    why: str  # there are none


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _tick(x: int) -> str:
    if x >= 1024 and x % 1024 == 0:
        return f"{x // 1024} K"
    return "64 K" if x == 65507 else str(x)


def _script(results: Results, group: Group) -> str:
    whos, xs = results.whos(group.name), results.xs(group.name)
    values = [run for key in results.of(group.name) for run in results.figures[key]]
    wide = min(values) > 0 and max(values) / min(values) > 20
    bytes_ = "bytes" in group.axis
    lines = [
        f"set terminal svg size {_SIZE} enhanced font 'Helvetica,13' background '#ffffff'",
        "set encoding utf8", "set border 3 lc rgb '#555555'", "set tics nomirror textcolor "
        "rgb '#222222'", "set grid ytics lc rgb '#dddddd' lw 1",
        "set key outside right top textcolor rgb '#222222' spacing 1.25 noenhanced",
        f"set xlabel {_quoted(group.axis)} textcolor rgb '#222222' noenhanced",
        f"set ylabel {_quoted(group.unit)} textcolor rgb '#222222' noenhanced",
        "set logscale x 2",
        "set xtics (" + ", ".join(f"{_quoted(_tick(x) if bytes_ else str(x))} {x}"
                                  for x in xs) + ")",
        f"set xrange [{xs[0] / 1.25}:{xs[-1] * 1.25}]",
        "set logscale y 10" if wide else "set yrange [0:*]",
        "set format y '%g'",
    ]
    ours, rivals = iter(_OURS * 4), iter(_RIVALS * 4)
    drawn = []
    for number, who in enumerate(whos):
        mine = who.startswith("VNI")
        colour, point = (next(ours), 7) if mine else (next(rivals), 4 + 2 * (number % 3))
        dash = "" if mine else " dt 2"
        lines.append(f"$d{number} << END")
        for x in xs:
            if told := results.get(group.name, who, x):
                lines.append(f"{x} {told.median:g} {told.least:g} {told.most:g}")
        lines.append("END")
        style = f"lc rgb '{colour}' lw {2.4 if mine else 1.8}"
        drawn += [f"$d{number} using 1:2 with linespoints {style}{dash} pt {point} ps 0.6 "
                  f"title {_quoted(who)}",
                  f"$d{number} using 1:2:3:4 with yerrorbars lc rgb '{colour}' lw 1 pt -1 notitle"]
    lines.append("plot " + ", ".join(drawn))
    return "\n".join(lines) + "\n"


def draw(results: Results) -> Plots:
    svg: dict[str, str] = {}
    for name, group in results.groups.items():
        if not group.axis or not results.of(name):
            continue
        try:
            done = subprocess.run(["gnuplot"], input=_script(results, group), capture_output=True,
                                  text=True, timeout=60)
        except FileNotFoundError:
            return Plots({}, "gnuplot is not installed (package gnuplot-nox; see tools/deps check "
                             "bench)")
        except subprocess.TimeoutExpired:
            return Plots(svg, "gnuplot did not end")
        if done.returncode:
            return Plots(svg, f"gnuplot failed on {name}: {done.stderr.strip()}")
        svg[name] = done.stdout
    return Plots(svg, "")
