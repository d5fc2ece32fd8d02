# SPDX-License-Identifier: Apache-2.0
"""The figures of runs, and the report made of them: tables in Markdown, charts as SVG, results as CSV."""

import csv
import platform
import statistics
from datetime import date

import matplotlib

from servers import FLOOR, OURS

matplotlib.use("svg")
from matplotlib import pyplot  # noqa: E402, after the choice of what it writes
from matplotlib.ticker import FuncFormatter  # noqa: E402

# Name in the CSV, heading, digits.
COLUMNS = [
    ("completed_percent", "whole, %", 2),
    ("handoff_p50_ms", "hand-off p50, ms", 3),
    ("handoff_p99_ms", "hand-off p99, ms", 3),
    ("first_byte_p50_ms", "first byte p50, ms", 3),
    ("first_byte_p99_ms", "first byte p99, ms", 3),
    ("duration_p50_ms", "stream p50, ms", 0),
    ("megabytes", "received, MB", 1),
    ("cpu_us_per_event", "CPU, µs an event", 2),
    ("resident_peak_mb", "resident, MB", 1),
    ("resident_kb_a_stream", "resident, KB a stream", 2),
    ("threads", "threads", 0),
    ("open_files", "open files", 0),
    ("accept_queue", "accept queue", 0),
]
CHARTS = [
    ("first_byte_p99_ms", "First byte, p99 (ms)", True),
    ("cpu_us_per_event", "CPU of an event (µs)", False),
    ("resident_peak_mb", "Resident memory, peak (MB)", True),
]


def write_csv(path, lines):
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows(lines)


def figures_of(bench, samples):
    """Of handoff-bench's results and of the samples, the first of which was taken before the first stream."""
    first, peak_kb = samples[0], max(one["resident_kb"] for one in samples)
    events, peak_open = bench["daemon"]["events"], bench["daemon"]["peak_streams"]
    return {
        "completed_percent": bench["completed_percent"],
        "handoff_p50_ms": bench["handoff_latency_ms"]["p50"],
        "handoff_p99_ms": bench["handoff_latency_ms"]["p99"],
        "first_byte_p50_ms": bench["ttfb_latency_ms"]["p50"],
        "first_byte_p99_ms": bench["ttfb_latency_ms"]["p99"],
        "duration_p50_ms": bench["stream_duration_ms"]["p50"],
        "megabytes": bench["bytes_received"] / 1e6,
        "cpu_us_per_event": (samples[-1]["cpu_s"] - first["cpu_s"]) * 1e6 / events if events else 0,
        "resident_peak_mb": peak_kb / 1024,
        "resident_kb_a_stream": (peak_kb - first["resident_kb"]) / peak_open if peak_open else 0,
        "threads": max(one["threads"] for one in samples),
        "open_files": max(one["open_files"] for one in samples),
        "accept_queue": max(one["accept_queue"] for one in samples),
    }


def medians(turns):
    """Of the turns that have figures; None if none has."""
    whole = [one for one in turns if "failure" not in one]
    return {name: statistics.median(one[name] for one in whole) for name, _, _ in COLUMNS} if whole else None


def chart_levels(path, results, column, title, logarithmic):
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for name in next(iter(results.values())):
        points = [(level, middle[column]) for level, by_name in results.items() if (middle := medians(by_name[name]))]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", label=name)
    axes.set(xscale="log", xlabel="streams open at once", title=title)
    if logarithmic:
        axes.set_yscale("log")
    else:
        axes.set_ylim(bottom=0)
    for axis in axes.xaxis, axes.yaxis:
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, bbox_inches="tight")
    pyplot.close(figure)


def chart_time(path, samples_of, column, title):
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    for name, samples in samples_of.items():
        axes.plot([float(one["seconds"]) for one in samples], [float(one[column]) for one in samples], label=name)
    axes.set(xlabel="seconds", title=title, ylim=(0, None))
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path, bbox_inches="tight")
    pyplot.close(figure)


def table(by_name):
    yield "| daemon | " + " | ".join(heading for _, heading, _ in COLUMNS) + " |"
    yield "|---|" + "---|" * len(COLUMNS)
    for name, turns in by_name.items():
        if middle := medians(turns):
            yield f"| {name} | " + " | ".join(f"{middle[column]:,.{digits}f}" for column, _, digits in COLUMNS) + " |"
        else:
            why = turns[0]["failure"].splitlines()[-1] if turns else "left out, because it failed at a lower level"
            yield f"| {name} | {why.replace('|', '/')} |" + " |" * (len(COLUMNS) - 1)


def ratios(by_name):
    ours = medians(by_name[OURS])
    for name, turns in by_name.items():
        other = medians(turns)
        if name == OURS or not ours or not other:
            continue
        words = "the bare ring" if name == FLOOR else name
        yield (f"{OURS} against {words}: CPU of an event {ours['cpu_us_per_event'] / (other['cpu_us_per_event'] or 1):.2f}, "
               f"first byte p99 {ours['first_byte_p99_ms'] / (other['first_byte_p99_ms'] or 1):.2f}, "
               f"resident memory {ours['resident_peak_mb'] / (other['resident_peak_mb'] or 1):.2f} times.")
        yield ""


def processor():
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return f"{len(names)} CPUs, {names[0]}" if names else platform.machine()


def write(directory, results, capacities, chosen, apache):
    lines = ["# Daemons compared", "",
             f"{date.today()}, {processor()}, Linux {platform.release()}. The daemons ran in turn, {chosen.repeat} times; each figure "
             "is the median. All streams of a level are open at once. Absolute figures are this machine's, and other work on it "
             "slows all of them: compare them with each other. The CPU of an event includes its share of its stream's begin and end.",
             ""]
    for level, by_name in results.items():
        lines += [f"## {level:,} streams", "", *table(by_name), "", *ratios(by_name)]
    if capacities:
        lines += ["## Capacity", "", f"The most streams, to a few percent and at most {2 * chosen.levels[-1]:,}, without a failure "
                  f"and with a first byte p99 of at most {chosen.capacity:g} ms:", "", "| daemon | streams |", "|---|---|"]
        lines += [f"| {name} | {most:,} |" for name, most in capacities.items()] + [""]
    if apache:
        lines += ["## A whole hand-off", "", "By Apache, PHP-FPM and the module over TCP and TLS, against an ordinary answer "
                  "of the same script; `bench/apache/run --help` explains the rows.", "", "```", apache.strip(), "```", ""]
    lines += ["## Charts", ""]
    for column, title, logarithmic in CHARTS:
        chart_levels(directory / f"{column}.svg", results, column, title, logarithmic)
        lines.append(f"![{title}]({column}.svg)")
    highest = max((level for level, by_name in results.items() if medians(by_name[OURS])), default=None)
    samples_of = {}
    for name in results.get(highest, {}):
        path = directory / "samples" / f"{name}-{highest}-1.csv"
        if medians(results[highest][name]) and path.exists():
            with path.open(encoding="utf-8") as file:
                samples_of[name] = list(csv.DictReader(file))
    for column, title in ("open", "Open streams"), ("resident_kb", "Resident memory (KB)"), ("cpu_s", "CPU used (s)"):
        if samples_of:
            chart_time(directory / f"time-{column}.svg", samples_of, column, f"{title}, {highest:,} streams")
            lines.append(f"![{title}](time-{column}.svg)")
    (directory / "REPORT.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    rows = [{"streams": level, "daemon": name, "turn": turn, **one} for level, by_name in results.items()
            for name, turns in by_name.items() for turn, one in enumerate(turns, 1) if "failure" not in one]
    if rows:
        write_csv(directory / "results.csv", rows)
