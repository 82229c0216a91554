# SPDX-License-Identifier: MIT
"""The few figures that the project's README shows, of the same results as the
report. They stand between two comments, and nobody writes them by hand.
"""
import charts
import goals

BEGIN = "<!-- Figures: made by bench/report.py, change them there. -->\n"
END = "<!-- End of the figures. -->\n"
PEERS = 4  # the fastest so many, by the first column
ALWAYS = ("pipe",)
OURS = ("shmipc one/one", "shmipc many/many", "shmipc channel one/one")
LINE = "limit: one cache line"
COLUMNS = [
    ("one way, 8 bytes, ns", "latency", "8 bytes"),
    ("64 bytes, ns", "latency", "64 bytes"),
    ("8 bytes, million/s", "throughput", "1x1, 8 bytes"),
    ("64 bytes, million/s", "throughput", "1x1, 64 bytes"),
    ("64 bytes in batches, million/s", "throughput",
     "1x1, 64 bytes, batches"),
]


class NoPlace(Exception):
    """The file has no place for the figures."""


def sound(workloads, workload, group):
    """{transport: row} of a group, but for those that went wrong."""
    return {row["transport"]: row
            for row in workloads.get(workload, {}).get(group, [])
            if goals.is_sound(row)}


def names_of(columns):
    """Ours, the best peers, and what everybody knows."""
    best = sorted((row for row in columns[1].values()
                   if row["kind"] == "peer"), key=goals.median)
    peers = [row["transport"] for row in best]
    shown = peers[:PEERS] + [name for name in peers[PEERS:] if name in ALWAYS]
    return [name for name in OURS if name in columns[1]] + shown


def line_of(name, columns):
    """A row of the table."""
    rows = [column.get(name) for column in columns]
    known = next(row for row in rows if row)
    shown = f"**{name}**" if known["kind"] == "ours" else name
    if known["kind"] == "peer" and known["fixed_slot"]:
        shown += " †"
    cells = [charts.number(goals.median(row)) if row else "" for row in rows]
    return "| " + " | ".join([shown, *cells]) + " |"


def states_of(columns):
    """How far the CPUs were from each other, in words."""
    lines = [goals.median(column[LINE]) for column in columns[:2]
             if LINE in column]
    if not lines:
        return ""
    return (" A cache line took "
            + " and ".join(f"{value:.0f}" for value in lines)
            + " ns to the other CPU meanwhile.")


def figures(data, workloads):
    """Lines of Markdown; none if nothing of it was measured."""
    columns = [sound(workloads, workload, group)
               for _, workload, group in COLUMNS]
    if not columns[1]:
        return []
    machine = data["machine"]
    head = [title for title, _, _ in COLUMNS]
    return [
        f"One producer, one consumer, on two CPUs of an {machine['cpu']}, "
        f"{machine['compiler']}, {machine['date'][:10]}; each column was "
        "measured in turns, so compare within a column."
        + states_of(columns) + " † has slots of one size.",
        "",
        "| " + " | ".join(["", *head]) + " |",
        "|---|" + "--:|" * len(head),
        *[line_of(name, columns) for name in names_of(columns)]]


def put(text, data, workloads):
    """The text with the figures in their place."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise NoPlace("has no place for the figures, which is between "
                      f"{BEGIN.strip()} and {END.strip()}")
    lines = "\n".join(figures(data, workloads))
    return f"{before}{BEGIN}\n{lines}\n\n{END}{after}"
