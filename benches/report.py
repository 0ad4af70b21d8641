"""Medians, ranges, ratios: the tables and the JSON of scripts/bench.sh.

  report.py TABLE RESULTS JSON [README]

TABLE has a line `group|name|unit|at least|aim|number` for each figure, RESULTS tab-separated lines `round column number
value ops cpu0 cpu1 seconds note` or `round column number failed text`. The environment names the run: BENCH_MODE,
BENCH_ROUNDS. Writes JSON, prints the table, and puts it as Markdown between the marks of README if one is given.
"""

import collections
import datetime
import json
import os
import platform
import re
import statistics
import sys

BEGIN, END = "<!-- figures of scripts/bench.sh: begin -->", "<!-- figures of scripts/bench.sh: end -->"
COLUMNS = ("kernel", "library")
# Units of which more is better: only these have a ratio.
RATES = ("Gb/s", "1/s", "requests/s")


def number(value):
    """Three digits that matter, thousands as k."""
    if value is None:
        return "-"
    for limit, unit in ((999_500, " M"), (9_995, " k")):
        if abs(value) >= limit:
            return number(value / (1e6 if unit == " M" else 1e3)) + unit
    if value and abs(value) < 99.95:
        return f"{value:.2f}" if abs(value) < 9.995 else f"{value:.1f}"
    return f"{value:.0f}"


def machine():
    """What the figures were measured on."""
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        text = file.read()
    model = re.search(r"^model name\s*: (.*)$", text, re.M)
    return {
        "processor": model.group(1) if model else platform.machine(),
        "cores": os.cpu_count(),
        "virtual": "hypervisor" in text,
        "kernel": platform.release().split("-")[0],
        "libc": " ".join(platform.libc_ver()),
        "load_at_end": os.getloadavg()[0],
    }


class Side:
    """One column of one figure."""

    def __init__(self, samples, failures):
        self.values = [s["value"] for s in samples]
        self.failures = failures
        self.notes = [s["note"] for s in samples if s["note"]]
        self.median = statistics.median(self.values) if samples else None
        self.samples = samples
        measured = [s for s in samples if s["seconds"]]
        self.cpu = [statistics.median(s[c] for s in measured) for c in ("cpu0", "cpu1")] if measured else None
        costs = [(s["cpu0"] + s["cpu1"]) / s["ops"] for s in measured if s["ops"]]
        self.cost = statistics.median(costs) * 1e6 if costs else None

    def range(self):
        if not self.values:
            return "FAILED"
        text = f"{number(self.median)} ({number(min(self.values))} - {number(max(self.values))})"
        return text + f" FAILED {len(self.failures)}x" if self.failures else text

    def as_json(self):
        return {
            "median": self.median,
            "least": min(self.values, default=None),
            "most": max(self.values, default=None),
            "cpu_seconds": self.cpu,
            "cpu_us_per_operation": self.cost,
            "failures": self.failures,
            "runs": self.samples,
        }


class Figure:
    def __init__(self, line, results):
        self.group, self.name, self.unit, self.least, self.aim, key = line.rstrip("\n").split("|")
        self.sides = [Side(*results[(column, key)]) for column in COLUMNS]

    @property
    def ratio(self):
        kernel, library = (side.median for side in self.sides)
        return library / kernel if self.unit in RATES and kernel and library is not None else None

    def compared(self):
        """The ratio, or the difference where less is better."""
        if self.ratio is not None:
            return f"{self.ratio:.2f}"
        kernel, library = (side.median for side in self.sides)
        return "-" if None in (kernel, library) else f"{'+' if library >= kernel else '-'}{number(abs(library - kernel))}"

    def verdict(self):
        if self.ratio is None or not self.least:
            return ""
        if self.ratio < float(self.least):
            return "below"
        return "aim" if self.ratio >= float(self.aim) else "ok"

    def wanted(self):
        return f"{self.least} / {self.aim}" if self.least else ""

    def cost(self, side):
        if side.cost is None:
            return ""
        if self.unit == "Gb/s":
            return f"{number(side.cost / 1000)} ms/GB"
        return f"{number(side.cost / 1000)} ms" if self.unit == "ms" else f"{number(side.cost)} us"

    def notes(self):
        """Loss and the like, of the last round."""
        parts = [f"{column}: {side.notes[-1]}" for column, side in zip(COLUMNS, self.sides) if side.notes]
        return "; ".join(parts)


def read(table, results):
    found = collections.defaultdict(lambda: ([], []))
    with open(results, encoding="utf-8") as file:
        for line in file:
            fields = line.rstrip("\n").split("\t")
            _round, column, key = fields[:3]
            if fields[3] == "failed":
                found[(column, key)][1].append(fields[4])
                continue
            names = ("value", "ops", "cpu0", "cpu1", "seconds")
            sample = {name: float(text) for name, text in zip(names, fields[3:8])}
            sample["note"] = fields[8] if len(fields) > 8 else ""
            found[(column, key)][0].append(sample)
    with open(table, encoding="utf-8") as file:
        return [Figure(line, found) for line in file]


def text_table(figures):
    widths = (max(len(f.name) for f in figures), 31, 31, 7, 10, 5)
    head = ("", "kernel over veth", "library over TAP", "ratio", "least/aim", "", "CPU s, core 0 + 1", "CPU for each")
    print("{:<{}} {:>{}} {:>{}} {:>{}} {:>{}} {:<{}} {:>27} {:>25}".format(*sum(zip(head, widths), ()), *head[6:]))
    group = None
    for f in figures:
        if f.group != group:
            group = f.group
            print(f"\n{group}")
        cpu = ["{:.2f}+{:.2f}".format(*side.cpu) if side.cpu else "" for side in f.sides]
        cost = [f.cost(side) for side in f.sides]
        line = "{:<{}} {:>{}} {:>{}} {:>{}} {:>{}} {:<{}}".format(
            f.name, widths[0], f.sides[0].range(), widths[1], f.sides[1].range(), widths[2],
            f.compared(), widths[3], f.wanted(), widths[4], f.verdict(), widths[5],
        )
        line += f" {' | '.join(cpu):>27} {' | '.join(cost):>25}" if any(cpu) else ""
        print(f"{line}  {f.notes()}".rstrip())


def markdown(figures, run):
    m = run["machine"]
    virtual = "virtual, " if m["virtual"] else ""
    lines = [
        f"Measured on {run['date']}: {m['processor']}, {virtual}{m['cores']} cores, Linux {m['kernel']}, {m['libc']}; "
        f"medians of {run['rounds']}.",
    ]
    group = None
    for f in figures:
        if f.group != group:
            group = f.group
            lines += ["", f"| {group} | kernel over veth | library over TAP | ratio | at least / aim | CPU for each, kernel | library |",
                      "| --- | --- | --- | --- | --- | --- | --- |"]
        cells = [number(side.median) for side in f.sides]
        if f.unit not in ("1/s", ""):
            cells = [f"{cell} {f.unit}" for cell in cells]
        name = f"{f.name} ({f.notes()})" if f.notes() else f.name
        lines.append(f"| {name} | " + " | ".join((*cells, f.compared(), f.wanted(), *(f.cost(s) for s in f.sides))) + " |")
    return "\n".join(lines)


def main():
    table, results, output, *readme = sys.argv[1:]
    figures = read(table, results)
    run = {
        "date": datetime.date.today().isoformat(),
        "mode": os.environ.get("BENCH_MODE", "full"),
        "rounds": int(os.environ.get("BENCH_ROUNDS", "0")),
        "machine": machine(),
    }
    run["figures"] = [
        {
            "group": f.group, "name": f.name, "unit": f.unit, "ratio": f.ratio,
            "at_least": float(f.least) if f.least else None, "aim": float(f.aim) if f.aim else None,
            "below_at_least": f.verdict() == "below",
            **{column: side.as_json() for column, side in zip(COLUMNS, f.sides)},
        }
        for f in figures
    ]
    with open(output, "w", encoding="utf-8") as file:
        json.dump(run, file, indent=1)
        file.write("\n")
    text_table(figures)
    if readme:
        with open(readme[0], encoding="utf-8") as file:
            text = file.read()
        head, mark, rest = text.partition(BEGIN)
        _old, end, tail = rest.partition(END)
        if not mark or not end:
            sys.exit(f"report: {readme[0]} has no lines '{BEGIN}' and '{END}'")
        with open(readme[0], "w", encoding="utf-8") as file:
            file.write(f"{head}{BEGIN}\n{markdown(figures, run)}\n{END}{tail}")


main()
