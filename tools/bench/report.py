# SPDX-License-Identifier: GPL-2.0
"""The page that a person looks at: one file of HTML, nothing fetched from anywhere."""

from __future__ import annotations

import base64
from html import escape
from typing import Any

from .host import QUIET
from .plot import Plots
from .results import Group, PartState, Results
from .stats import Summary, number
from .targets import Told

_STYLE = """
body { font: 15px/1.5 system-ui, "Helvetica Neue", Arial, sans-serif; color: #1c1c1c;
       background: #fff; max-width: 1060px; margin: 2em auto; padding: 0 1.2em; }
h1 { font-size: 1.75em; margin: 0 0 .2em; } h2 { margin: 2.2em 0 .4em; font-size: 1.3em;
border-bottom: 2px solid #0b5cad; padding-bottom: .15em; } h3 { margin: 1.5em 0 .3em; }
table { border-collapse: collapse; margin: .6em 0 1em; font-variant-numeric: tabular-nums; }
th, td { padding: .28em .8em; text-align: right; border-bottom: 1px solid #e3e3e3; }
th { background: #f3f6fa; font-weight: 600; vertical-align: bottom; }
td:first-child, th:first-child, .left { text-align: left; }
tr.ours td { background: #f2f8ff; font-weight: 600; }
.reached { color: #146c2e; font-weight: 600; } .missed { color: #b3261e; font-weight: 600; }
.none { color: #767676; } .better { color: #146c2e; } .worse { color: #b3261e; }
.lead { color: #444; } .note { background: #fff8e6; border-left: 4px solid #e0a800;
padding: .4em .9em; margin: .6em 0; white-space: pre-line; } small, .spread { color: #6a6a6a;
font-weight: 400; } img { max-width: 100%; height: auto; } code { font-size: .93em; }
.rivals div { display: inline-block; min-width: 16.5em; margin-right: 1em; }
.tight { white-space: nowrap; }
nav a { margin-right: 1.1em; } details { margin: .5em 0 1em; } .scroll { overflow-x: auto; }
"""


def _at(group: Group, x: int) -> str:
    if group.columns:
        return group.columns[x]
    if not group.axis:
        return ""
    if "bytes" in group.axis:
        return f"{x // 1024} KB" if x >= 1024 and x % 1024 == 0 else f"{x} B"
    return str(x)


def _spread(told: Summary) -> str:
    """A single run has none."""
    return f'&nbsp;<span class="spread">±{told.spread:.0%}</span>' if told.count > 1 else ""


def _cell(told: Summary | None) -> str:
    if not told:
        return '<td class="none">–</td>'
    return (f'<td title="{number(told.least)} to {number(told.most)}, {told.count} runs">'
            f'{number(told.median)}{_spread(told)}</td>')


def _ours(who: str) -> bool:
    return who.startswith("VNI")


def _table(results: Results, group: Group) -> str:
    """Rows: who. Columns: the axis."""
    xs, whos = results.xs(group.name), results.whos(group.name)
    head = "".join(f"<th>{_at(group, x) or group.unit}</th>" for x in xs)
    rows = []
    for who in sorted(whos, key=lambda who: not _ours(who)):
        cells = "".join(_cell(results.get(group.name, who, x)) for x in xs)
        rows.append(f'<tr{" class=ours" if _ours(who) else ""}><td>{escape(who)}</td>{cells}</tr>')
    axis = f", over {group.axis}" if group.axis else ""
    title = f"{group.unit}{axis}" + ("" if group.columns else f"; {group.better} is better")
    return (f'<div class="scroll"><table><tr><th>{escape(title)}</th>{head}</tr>'
            f'{"".join(rows)}</table></div>')


def _ratios(results: Results, group: Group) -> str:
    """The first of ours beside each rival: how many times as good."""
    whos = results.whos(group.name)
    rivals = [who for who in whos if not _ours(who)]
    ours = next((who for who in whos if _ours(who)), None)
    if not ours or not rivals:
        return ""
    xs = results.xs(group.name)
    rows = []
    for rival in rivals:
        cells = []
        for x in xs:
            one, other = results.get(group.name, ours, x), results.get(group.name, rival, x)
            if not one or not other:
                cells.append('<td class="none">–</td>')
                continue
            ratio = group.ratio(one.median, other.median)
            kind = "better" if ratio >= 1 else "worse"
            cells.append(f'<td class="{kind}">{number(ratio)}</td>')
        rows.append(f"<tr><td>{escape(rival)}</td>{''.join(cells)}</tr>")
    head = "".join(f"<th>{_at(group, x) or 'ratio'}</th>" for x in xs)
    return (f'<div class="scroll"><table><tr><th>{escape(ours)}: how many times as good as</th>'
            f'{head}</tr>{"".join(rows)}</table></div>')


def _image(svg: str, title: str) -> str:
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{escape(title)}" src="data:image/svg+xml;base64,{data}">'


def _group(results: Results, group: Group, plots: Plots) -> str:
    if not results.of(group.name):
        return ""
    parts = [f'<h3 id="{group.name}">{escape(group.title)}</h3>']
    if group.name in plots.svg:
        parts.append(_image(plots.svg[group.name], group.title))
    parts += [_table(results, group), "" if group.columns else _ratios(results, group)]
    return "\n".join(parts)


def _part(results: Results, state: PartState, plots: Plots) -> str:
    lines = [f'<h2 id="{state.name}">{escape(state.title)}</h2>']
    if state.state != "done":
        lines.append(f'<p class="note">{state.state}: {escape(state.why)}</p>')
    lines += [f'<p class="note">{escape(note)}</p>' for note in state.notes]
    lines += [_group(results, group, plots) for group in results.groups.values()
              if group.part == state.name]
    return "\n".join(lines)


def _targets(told: list[Told]) -> str:
    rows = []
    for one in told:
        kind = {"reached": "reached", "missed": "missed"}.get(one.state, "none")
        by = f" by {one.missed_by}" if one.missed_by else ""
        rows.append(f'<tr><td>{escape(one.target)}</td><td class="left tight">{escape(one.wanted)}</td>'
                    f'<td class="tight">{escape(one.found) or "–"}</td>'
                    f'<td class="left tight {kind}">{one.state}{by}</td></tr>')
    return ('<table><tr><th>Target</th><th class="left">wanted</th><th>found</th>'
            f'<th class="left"></th></tr>{"".join(rows)}</table>')


def _where_time_goes(results: Results, told: list[Told]) -> str:
    """For who wants to know why a target was missed."""
    links = [f'<a href="#{group.name}">{escape(group.title.partition(": ")[2])}</a>'
             for group in results.groups.values() if group.columns and results.of(group.name)]
    if not links or not any(one.state == "missed" for one in told):
        return ""
    return f"<p>Where the time goes, of these: {'; '.join(links)}.</p>"


def _places(group: Group, xs: list[int]) -> list[int]:
    """Least, middle and most: enough for the table at the top."""
    return xs if len(xs) <= 3 else sorted({xs[0], xs[len(xs) // 2], xs[-1]})


def _overview_row(results: Results, group: Group, x: int) -> str:
    whos = [who for who in results.whos(group.name) if results.get(group.name, who, x)]
    ours = next((who for who in whos if _ours(who)), None)
    rivals = [who for who in whos if not _ours(who)]
    one = results.get(group.name, ours, x) if ours else None
    if not one or not rivals:
        return ""
    cells = []
    for who in rivals:
        other = results.get(group.name, who, x)
        assert other
        ratio = group.ratio(one.median, other.median)
        kind = "better" if ratio >= 1 else "worse"
        cells.append(f'<span class="{kind}">{number(ratio)}&nbsp;×</span> {escape(who)} '
                     f'<small>{number(other.median)}</small>')
    at = f", {_at(group, x)}" if group.axis else ""
    at = at if "burst" not in group.axis else f", bursts of {x}"
    return (f"<tr><td>{escape(group.title)}{at}</td><td class=\"tight\">{number(one.median)}"
            f'{_spread(one)}</td><td>{escape(group.unit)}</td>'
            f'<td class="left rivals">{"".join(f"<div>{cell}</div>" for cell in cells)}</td></tr>')


def _overview(results: Results) -> str:
    rows = [_overview_row(results, group, x) for group in results.groups.values()
            if not group.columns for x in _places(group, results.xs(group.name))]
    if not any(rows):
        return "<p>No figure of VNI has a rival in this run.</p>"
    return ('<div class="scroll"><table><tr><th>Figure</th><th>VNI</th><th>unit</th>'
            '<th class="left">how many times as good as which rival</th></tr>'
            f'{"".join(rows)}</table></div>')


def _place_line(facts: dict[str, Any]) -> str:
    host = facts["host"]
    nodes = f" Nodes: Linux {facts['kernel']}." if facts["kernel"] else ""
    return (f"Taken {facts['taken']} on {host['processor']}, {host['cpus']} CPUs, Linux "
            f"{host['kernel']}.{nodes} Revision {host['revision']}. Mode {facts['mode']['name']}: "
            f"{facts['mode']['runs']} runs of each figure, in turns with its rivals; streams of "
            f"{facts['mode']['seconds']:g} s.")


def _busy(facts: dict[str, Any]) -> str:
    load = float(facts["host"]["load"])
    if load < QUIET:
        return ""
    return (f'<p class="note">The machine was busy with other work when this started (load '
            f"{load:g}): figures are lower and less even than it could give. Do not quote "
            "them.</p>")


def page(results: Results, told: list[Told], plots: Plots) -> str:
    links = " ".join(f'<a href="#{part.name}">{escape(part.title)}</a>' for part in results.parts)
    missing = f'<p class="note">No plots: {escape(plots.why)}</p>' if plots.why else ""
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>VNI: speed beside its rivals</title>
<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>
<h1>VNI: speed beside its rivals</h1>
<p class="lead">{escape(_place_line(results.facts))}</p>
{_busy(results.facts)}{missing}
<p>Each figure is the median of its runs; ± is half of their range. A ratio above 1 says that VNI is
better, whether more or less is good.</p>
<nav>{links}</nav>
<h2>Summary</h2>
{_overview(results)}
<h2>Targets</h2>
{_targets(told)}
{_where_time_goes(results, told)}
{"".join(_part(results, part, plots) for part in results.parts)}
</body></html>
"""


def summary(results: Results, told: list[Told]) -> list[str]:
    """A few lines for the terminal."""
    lines = []
    for part in results.parts:
        why = f" ({part.why.partition(chr(10))[0]})" if part.why else ""
        failed = f", {len(part.notes)} notes" if part.notes else ""
        lines.append(f"{part.title}: {part.state}{why}, {part.seconds:.0f} s{failed}")
    for state in ("reached", "missed", "not measured"):
        lines.append(f"targets {state}: {sum(one.state == state for one in told)}")
    return lines
