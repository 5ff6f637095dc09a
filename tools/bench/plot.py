# SPDX-License-Identifier: GPL-2.0
"""Plots as SVG, by gnuplot: lines over an axis, bars where there are one or two points."""

from __future__ import annotations

import math
import subprocess
from itertools import cycle
from typing import NamedTuple

from .results import Group, Results

_SIZE = "900,430"
# Ours in strong colours with filled points, rivals in others; told apart without colour as well.
_OURS = ("#0b5cad", "#1f9e89", "#6a3d9a", "#3b7dd8")
_RIVALS = ("#c2410c", "#7a7a7a", "#b8860b", "#a11d48")
_SHARES = ("#c2410c", "#b8860b", "#0b5cad", "#6a3d9a", "#7a7a7a", "#e3e3e3")


class Plots(NamedTuple):
    svg: dict[str, str]  # by group
    why: str  # there are none


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _tick(group: Group, x: int) -> str:
    if "bytes" in group.axis and x >= 1024 and x % 1024 == 0:
        return f"{x // 1024} K"
    return "64 K" if x == 65507 else str(x)


def _ticks(group: Group, xs: list[int]) -> str:
    """One that would lie over the one before it has no text."""
    words, last = [], 0.0
    for x in xs:
        near = x < 1.7 * last
        words.append(f"{_quoted('' if near else _tick(group, x))} {x}")
        last = last if near else x
    return "set xtics (" + ", ".join(words) + ")"


def _colours(whos: list[str]) -> dict[str, str]:
    ours, rivals = cycle(_OURS), cycle(_RIVALS)
    return {who: next(ours if who.startswith("VNI") else rivals) for who in whos}


def _frame(results: Results, group: Group) -> list[str]:
    """What lines and bars have in common."""
    values = [run for key in results.of(group.name) for run in results.figures[key]]
    wide = min(values) > 0 and max(values) / min(values) > 20
    least = 10 ** math.floor(math.log10(min(values))) if wide else 0
    return [
        f"set terminal svg size {_SIZE} enhanced font 'Helvetica,13' background '#ffffff'",
        "set encoding utf8", "set border 3 lc rgb '#555555'",
        "set tics nomirror textcolor rgb '#222222'", "set grid ytics lc rgb '#dddddd' lw 1",
        "set key below left textcolor rgb '#222222' spacing 1.2 samplen 3 maxrows 3 noenhanced",
        f"set xlabel {_quoted(group.axis)} textcolor rgb '#222222' noenhanced",
        f"set ylabel {_quoted(group.unit + ', ' + group.better + ' is better')} "
        "textcolor rgb '#222222' noenhanced",
        "set logscale y 10" if wide else "", f"set yrange [{least:g}:*]", "set format y '%g'",
    ]


def _data(results: Results, group: Group, who: str, number: int, xs: list[int]) -> list[str]:
    lines = [f"$d{number} << END"]
    for x in xs:
        told = results.get(group.name, who, x)
        row = f"{told.median:g} {told.least:g} {told.most:g}" if told else "- - -"
        lines.append(f"{x} {row} \"{_tick(group, x) if group.axis else ''}\"")
    return [*lines, "END"]


def _lines(results: Results, group: Group, whos: list[str], xs: list[int]) -> list[str]:
    lines, drawn = [_ticks(group, xs), "set logscale x 2",
                    f"set xrange [{xs[0] / 1.25}:{xs[-1] * 1.25}]"], []
    for number, (who, colour) in enumerate(_colours(whos).items()):
        mine = who.startswith("VNI")
        lines += _data(results, group, who, number, xs)
        style = f"lc rgb '{colour}' lw {2.6 if mine else 2.0}" + ("" if mine else " dt 2")
        drawn += [f"$d{number} using 1:2:3:4 with yerrorbars lc rgb '{colour}' lw 1 ps 0 notitle",
                  f"$d{number} using 1:2 with linespoints {style} "
                  f"pt {7 if mine else (5, 9, 13, 11)[number % 4]} ps 0.7 title {_quoted(who)}"]
    return [*lines, "plot " + ", ".join(drawn)]


def _bars(results: Results, group: Group, whos: list[str], xs: list[int]) -> list[str]:
    lines, drawn = ["set style data histograms", "set style histogram errorbars gap 1 lw 1",
                    "set style fill solid 0.9 noborder", "set boxwidth 0.9",
                    "set errorbars small front lc rgb '#222222'"], []
    for number, (who, colour) in enumerate(_colours(whos).items()):
        lines += _data(results, group, who, number, xs)
        drawn.append(f"$d{number} using 2:3:4:xtic(5) lc rgb '{colour}' title {_quoted(who)}")
    return [*lines, "plot " + ", ".join(drawn)]


def _stack(results: Results, group: Group, whos: list[str], xs: list[int]) -> list[str]:
    """A bar each, of shares that make one; the names need room below."""
    lines = ["set style data histograms", "set style histogram rowstacked", "set boxwidth 0.7",
             "set style fill solid 0.9 noborder", "set yrange [0:1.05]", "unset logscale y",
             "set xtics rotate by -25 noenhanced", "set rmargin 26",
             f"set ylabel {_quoted(group.unit)}", "set key maxrows 2", "$shares << END"]
    for who in whos:
        told = [results.get(group.name, who, x) for x in xs]
        lines.append(f"\"{who}\" " + " ".join(f"{one.median:g}" if one else "0" for one in told))
    lines.append("END")
    drawn = [f"$shares using {number + 2}:xtic(1) lc rgb '{_SHARES[x % len(_SHARES)]}' "
             f"title {_quoted(group.columns[x])}" for number, x in enumerate(xs)]
    return [*lines, "plot " + ", ".join(drawn)]


def _script(results: Results, group: Group) -> str:
    whos, xs = results.whos(group.name), results.xs(group.name)
    kind = _stack if group.columns else _lines if len(xs) > 2 else _bars
    lines = ["set datafile missing '-'", *_frame(results, group),
             *kind(results, group, whos, xs)]
    return "\n".join(lines) + "\n"


def draw(results: Results) -> Plots:
    svg: dict[str, str] = {}
    for name, group in results.groups.items():
        if not results.of(name):
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
