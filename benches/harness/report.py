"""Writes what was measured: tables between markers in benches/README.md and docs/figures.md, and one plot."""

from __future__ import annotations

import os
import platform
import statistics
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = ("provision-vpc", "attach-transit-gateway")
# Figure, its name, decimals, whether more is better, and what design.md §10 asks of the ratio.
ROWS = (
    ("first_ms", "start to first AWS response, ms", 1, False, 20),
    ("own_first_ms", "the same without the emulator's answer, ms", 1, False, None),
    ("peak_mb", "peak memory, MB", 1, False, 8),
    ("fresh_cpu_ms", "CPU for a fresh account, start included, ms", 1, False, None),
    ("call_cpu_ms", "CPU for an AWS call, warm, ms", 2, False, None),
    ("per_second", "re-runs a second, warm, one after the other", 1, True, None),
    ("own_warm_ms", "of a warm re-run, time without an AWS call under way, ms", 1, False, None),
)


def write(results: dict[str, Any], *, into_readme: bool) -> None:
    """Prints the tables, and writes them and the plot."""
    table = _table(results) + "\n" + _overhead(results["overhead"])
    print(table)
    if not into_readme:
        return
    put(ROOT / "benches/README.md", "side-by-side", table)
    put(
        ROOT / "docs/figures.md",
        "bench",
        "Made by `make bench`; how, and what it means: [benches](../benches/README.md).\n\n" + table,
    )
    (ROOT / "benches/side-by-side.svg").write_text(_plot(results))


def put(path: Path, marker: str, text: str) -> None:
    """Replaces what stands between two markers of a file; a file without them is left alone."""
    before, begin, rest = path.read_text().partition(f"<!-- {marker} -->\n")
    _, end, after = rest.partition(f"<!-- /{marker} -->")
    if begin and end:
        path.write_text(f"{before}{begin}{text}{end}{after}")


def _median(results: dict[str, Any], function: str, kind: str, figure: str) -> float:
    return statistics.median(results["figures"][f"{function} {kind}"][figure])


def _ratio(results: dict[str, Any], function: str, figure: str, more_is_better: bool) -> float:
    ours, python = (_median(results, function, kind, figure) for kind in ("ours", "python"))
    return ours / python if more_is_better else python / ours


def _table(results: dict[str, Any]) -> str:
    lines = ["| | Berth | Python | ratio | asked (design.md §10) |", "|---|--:|--:|--:|--:|"]
    for function in FUNCTIONS:
        lines.append(f"| **{function}** | | | | |")
        for figure, name, decimals, more_is_better, target in ROWS:
            ours, python = (_median(results, function, kind, figure) for kind in ("ours", "python"))
            ratio = _ratio(results, function, figure, more_is_better)
            asked = "" if target is None else f"{target}: {'held' if ratio >= target else 'missed'}"
            lines.append(f"| {name} | {ours:.{decimals}f} | {python:.{decimals}f} | {ratio:.1f} | {asked} |")
    rounds, warm = results["rounds"], results["warmRuns"]
    lines.append("")
    lines.append(
        f"Medians of {rounds} fresh accounts and {warm} re-runs for each. {os.cpu_count()} cores, load {results['load']}, "
        f"{platform.machine()}, Python {sys.version.split()[0]}; programs of "
        + " and ".join(f"{results['bytes'][function] / 1e6:.1f} MB" for function in FUNCTIONS)
        + "."
    )
    return "\n".join(lines) + "\n"


def _overhead(regions: list[dict[str, Any]]) -> str:
    heads = ("an attachment that takes AWS 120 s", "seconds in all", "until it is asked for", "available until joined",
             "joined until proven", "own overhead", "asked")  # fmt: skip
    lines = [f"| {' | '.join(heads)} |", "|---|--:|--:|--:|--:|--:|--:|"]
    for each in regions:
        verdict = "held" if each["overhead"] <= 3 else "missed"
        cells = [each["total"], each["untilAsked"], each["untilJoined"], each["untilProven"], each["overhead"]]
        shown = " | ".join(f"{cell:.1f}" for cell in cells)
        lines.append(f"| {each['region']}, {each['invocations']} invocations | {shown} | 3: {verdict} |")
    return "\n".join(lines) + "\n"


def _plot(results: dict[str, Any]) -> str:
    """How many times less than Python, as bars; a line where design.md §10 asks for it."""
    bars = [
        (f"{function}: {name.split(',')[0]}", _ratio(results, function, figure, more), target)
        for function in FUNCTIONS
        for figure, name, _, more, target in ROWS
        if figure in ("first_ms", "peak_mb", "call_cpu_ms", "per_second")
    ]
    widest = max(max(ratio, target or 0) for _, ratio, target in bars)
    scale, height = 380 / widest, 24
    size = f'width="860" height="{len(bars) * height + 40}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="13">',
        '<text x="8" y="18">Berth against Python and boto3: times better (bar), asked (line)</text>',
    ]
    for number, (name, ratio, target) in enumerate(bars):
        y = 32 + number * height
        parts.append(f'<text x="370" y="{y + 13}" text-anchor="end">{name}</text>')
        parts.append(f'<rect x="380" y="{y}" width="{ratio * scale:.1f}" height="16" fill="#4878a8"/>')
        parts.append(f'<text x="{386 + ratio * scale:.1f}" y="{y + 13}">{ratio:.1f}</text>')
        if target:
            x = 380 + target * scale
            parts.append(
                f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y - 2}" y2="{y + 18}" stroke="#c04030" stroke-width="2"/>'
            )
    return "\n".join([*parts, "</svg>", ""])
