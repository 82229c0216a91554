# SPDX-License-Identifier: MIT
"""The charts of report.py, as SVG text: bars beside each other, and lines over
two logarithmic axes. They bring their own background, so that they can be read
on a dark page too, and the same data makes the same bytes.
"""
import math
from dataclasses import dataclass
from typing import Optional
from xml.sax.saxutils import escape

WIDTH = 900
EDGE = 16
TEXT = 12
BAR = 15
ROW = 22
PLOT_HEIGHT = 400
LABEL_GAP = 14
LOG_FROM = 30  # times the smallest: more does not fit a linear axis

INK, FAINT, GRID, PAPER = "#222222", "#666666", "#dddddd", "#ffffff"
FILLS = {"limit": "#8a8a8a", "ours": "#1f6fb5", "peer": "#dd9a3c",
         "fixed": "#f0d2a0"}
KINDS = {"limit": "limit", "ours": "shmipc", "peer": "peer",
         "fixed": "peer with fixed slots"}
OURS = ["#0b3c78", "#2f8fe0", "#6a3fb5", "#b06ae0"]
PEERS = ["#b5542b", "#2e7d32", "#a0791a", "#00838f", "#c2185b", "#6d4c41",
         "#7a8b1c", "#d32f2f", "#455a64", "#ef6c00", "#43a047", "#8e6b8e",
         "#3e2723", "#f06292", "#26a69a"]
DASHES = {"limit": "2 4", "fixed": "7 3"}


@dataclass
class Bar:
    """One transport; without a value only its label is shown."""

    name: str
    kind: str
    label: str
    value: Optional[float] = None
    low: float = 0
    high: float = 0


@dataclass
class Point:
    """What was measured at `x`; no `y`: nothing, because it failed."""

    x: float
    y: Optional[float]
    good: bool = True


@dataclass
class Line:
    """One transport's points."""

    name: str
    kind: str
    points: list

    def ends_at(self):
        """Its last point, of those with a value if there are any."""
        return ([point for point in self.points if point.y] or self.points)[-1]


def number(value):
    """With three digits or more, and no exponent."""
    if value == 0:
        return "0"
    digits = 2 - math.floor(math.log10(abs(value)))
    return f"{value:,.{max(digits, 0)}f}"


def size(value):
    """8, 64, 1 Ki."""
    for unit, name in ((1 << 20, " Mi"), (1 << 10, " Ki")):
        if value >= unit and value % unit == 0:
            return f"{value // unit:.0f}{name}"
    return f"{value:g}"


def round_number(value):
    """An axis' tick: 0.5, 1,000,000."""
    return f"{value:,.10g}"


class Axis:
    """Where on the page a value is."""

    def __init__(self, low, high, start, end, log):
        self.low, self.high, self.log = low, high, log
        self.start, self.end = start, end

    def share(self, value):
        """0 at the axis' low end, 1 at the high one."""
        low, high = self.low, self.high
        if self.log:
            low, high = math.log(low), math.log(high)
            value = math.log(value) if value > 0 else low
        return min(max((value - low) / ((high - low) or 1), 0), 1)

    def at(self, value):
        """Its coordinate."""
        return self.start + (self.end - self.start) * self.share(value)

    def ticks(self):
        """Round values that help to read it."""
        if self.log:
            decades = math.log10(self.high / self.low)
            steps = (1, 2, 5) if decades < 2.5 else (1,)
            first = math.floor(math.log10(self.low))
            values = [step * 10.0 ** power for step in steps
                      for power in range(first, first + int(decades) + 2)]
        else:
            power = 10.0 ** math.floor(math.log10(self.high / 4))
            step = next(power * times for times in (1, 2, 5, 10)
                        if self.high / (power * times) <= 6)
            values = [step * i for i in range(7)]
        return sorted(value for value in values
                      if self.low <= value <= self.high)


def width_of(words):
    """Rather more than they take in any usual font, bold."""
    return 0.66 * TEXT * len(words)


def clean(words):
    """Fit for XML, which knows no control characters."""
    return escape("".join(c for c in words if c >= " "), {'"': "&quot;"})


def text(x, y, words, anchor="start", fill=INK, more=""):
    """With a halo, so that lines behind it do not matter."""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'fill="{fill}" stroke="{PAPER}" stroke-width="3" '
            f'paint-order="stroke"{more}>{clean(words)}</text>')


def stroke(x1, y1, x2, y2, colour, more=""):
    """A straight line."""
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{colour}"{more}/>')


def box(x, y, width, height, fill):
    """A filled rectangle."""
    return (f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{height:.1f}" fill="{fill}"/>')


def page(title, height, body):
    """The whole file."""
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
        f'height="{height}" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="{TEXT}">',
        f"<title>{clean(title)}</title>",
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" '
        f'rx="6" fill="{PAPER}" stroke="{GRID}"/>',
        text(EDGE, 28, title, more=' font-size="16" font-weight="600"'),
        *body, "</svg>"]
    return "\n".join(lines) + "\n"


def legend(entries):
    """Samples, drawn by functions of x and y, and words, in a row."""
    out, x = [], EDGE
    for draw, words in entries:
        out += [draw(x, 48), text(x + 26, 52, words, fill=FAINT)]
        x += 26 + width_of(words) + 18
    return out


# ------------------------------------------------------------------- bars

def whisker(low, high, y):
    """From the least to the largest round."""
    return (stroke(low, y, high, y, INK) + stroke(low, y - 3, low, y + 3, INK)
            + stroke(high, y - 3, high, y + 3, INK))


def bar_legend(rows):
    """Which colour is whose."""
    present = {row.kind for row in rows}
    entries = [(lambda x, y, fill=FILLS[kind]: box(x, y - 6, 20, 12, fill),
                KINDS[kind]) for kind in KINDS if kind in present]
    entries.append((lambda x, y: whisker(x, x + 20, y),
                    "least and largest round"))
    return legend(entries)


def bar_axis(rows, start, end):
    """
    Logarithmic where a linear one would hide the small values. What costs
    nothing, or less by an error of measurement, has no bar on either.
    """
    values = [row.value for row in rows if row.value and row.value > 0]
    if not values:
        return Axis(0, 1, start, end, False)
    high = max(row.high for row in rows)
    if max(values) > LOG_FROM * min(values):
        low = 10.0 ** math.floor(math.log10(0.8 * min(values)))
        return Axis(low, high, start, end, True)
    return Axis(0, high, start, end, False)


def bars(title, unit, limit, rows):
    """
    A horizontal bar for each row, in their order. `limit` names what the
    labels' second number is a multiple of, if they have one.
    """
    top = 72
    start = EDGE + max(width_of(row.name) for row in rows) + 10
    end = WIDTH - EDGE - 10 - max([width_of(row.label) for row in rows
                                   if row.value is not None] + [0])
    bottom = top + ROW * len(rows)
    axis = bar_axis(rows, start, end)
    out = bar_legend(rows)
    for tick in axis.ticks():
        out += [stroke(axis.at(tick), top - 4, axis.at(tick), bottom, GRID),
                text(axis.at(tick), bottom + 16, round_number(tick), "middle",
                     FAINT)]
    for i, row in enumerate(rows):
        y = top + ROW * i + ROW / 2
        weight = ' font-weight="600"' if row.kind == "ours" else ""
        out.append(text(start - 8, y + 4, row.name, "end", more=weight))
        label_at = start
        if row.value is not None:
            length = axis.at(row.value) - start
            low, high = axis.at(row.low), axis.at(row.high)
            out += [box(start, y - BAR / 2, length, BAR, FILLS[row.kind]),
                    whisker(low, high, y)]
            label_at = max(start + length, high)
        out.append(text(label_at + 6, y + 4, row.label, more=weight))
    unit += ", logarithmic" if axis.log else ""
    unit += f" (x {limit})" if limit else ""
    out += [stroke(start, top - 4, start, bottom, INK),
            text((start + end) / 2, bottom + 36, unit, "middle")]
    return page(title, bottom + 50, out)


# ------------------------------------------------------------------ lines

def palette(transports):
    """A colour for each (name, kind), the same one in all charts."""
    ours = [name for name, kind in transports if kind == "ours"]
    peers = [name for name, kind in transports if kind in ("peer", "fixed")]
    colours = {name: OURS[i % len(OURS)] for i, name in enumerate(ours)}
    colours.update((name, PEERS[i % len(PEERS)])
                   for i, name in enumerate(peers))
    return colours


def pen(kind):
    """How a line of that kind looks, but for its colour."""
    dash = DASHES.get(kind)
    return (f' stroke-width="{2.6 if kind == "ours" else 1.6}" fill="none"'
            + (f' stroke-dasharray="{dash}"' if dash else ""))


def cross(x, y, colour):
    """Where something went wrong."""
    return (stroke(x - 4, y - 4, x + 4, y + 4, colour, ' stroke-width="2"')
            + stroke(x - 4, y + 4, x + 4, y - 4, colour, ' stroke-width="2"'))


def line_legend(lines):
    """Which kind of line is whose."""
    present = {line.kind for line in lines}
    entries = [(lambda x, y, kind=kind: stroke(
        x, y, x + 20, y, {"ours": OURS[0]}.get(kind, FAINT), pen(kind)),
                KINDS[kind]) for kind in KINDS if kind in present]
    if any(not point.good for line in lines for point in line.points):
        entries.append((lambda x, y: cross(x + 10, y, FAINT),
                        "hung, failed or lost messages"))
    return legend(entries)


def spread_out(wanted, low, high):
    """Places near the wanted ones, in order, that keep a label's distance."""
    places = []
    for y in wanted:
        places.append(max(y, places[-1] + LABEL_GAP) if places
                      else max(y, low))
    limit = high
    for i in reversed(range(len(places))):
        places[i] = min(places[i], limit)
        limit = places[i] - LABEL_GAP
    return places


def height_of(point, up):
    """Where it is drawn: at the bottom if it has no value."""
    return up.at(point.y) if point.y else up.start


def draw_line(line, across, up, colour):
    """The line, broken where a value lacks, and its points."""
    out, piece = [], []
    for point in line.points + [Point(0, None)]:
        if point.y:
            piece.append(f"{across.at(point.x):.1f},{up.at(point.y):.1f}")
            continue
        if len(piece) > 1:
            out.append(f'<polyline points="{" ".join(piece)}" '
                       f'stroke="{colour}"{pen(line.kind)}/>')
        piece = []
    for point in line.points:
        x, y = across.at(point.x), height_of(point, up)
        if not point.good:
            out.append(cross(x, y, colour))
        elif point.y:
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.8" '
                       f'fill="{colour}"/>')
    return out


def draw_labels(lines, across, up, colours):
    """The names at the right, tied to the ends of their lines."""
    ends = sorted(((height_of(line.ends_at(), up), line.name, line)
                   for line in lines), key=lambda end: end[:2])
    places = spread_out([end for end, _, _ in ends], up.end, up.start)
    right = across.end + 24
    out = []
    for (end, _, line), y in zip(ends, places):
        colour = colours.get(line.name, FAINT)
        weight = ' font-weight="600"' if line.kind == "ours" else ""
        out += [stroke(across.at(line.ends_at().x) + 4, end, right - 3, y,
                       colour, ' stroke-width="0.8" stroke-dasharray="1 3"'),
                text(right, y + 4, line.name, fill=colour, more=weight)]
    return out


def frame(across, up, xs, x_unit, y_unit):
    """Grid, ticks and what the axes mean."""
    left, right, top, bottom = across.start, across.end, up.end, up.start
    out = []
    for tick in up.ticks():
        y = up.at(tick)
        out += [stroke(left, y, right, y, GRID),
                text(left - 6, y + 4, round_number(tick), "end", FAINT)]
    for x in xs:
        out += [stroke(across.at(x), top, across.at(x), bottom, GRID),
                text(across.at(x), bottom + 18, size(x), "middle", FAINT)]
    middle = (top + bottom) / 2
    out += [stroke(left, bottom, right, bottom, INK),
            stroke(left, top, left, bottom, INK),
            text((left + right) / 2, bottom + 38, x_unit + ", logarithmic",
                 "middle"),
            text(EDGE + 8, middle, y_unit + ", logarithmic", "middle",
                 more=f' transform="rotate(-90 {EDGE + 8} {middle:.1f})"')]
    return out


def curves(title, units, lines, colours):
    """A line for each transport; `units` are those of x and y."""
    xs = sorted({point.x for line in lines for point in line.points})
    ys = [point.y for line in lines for point in line.points if point.y]
    top, bottom = 72, 72 + PLOT_HEIGHT
    end = WIDTH - EDGE - 30 - max(width_of(line.name) for line in lines)
    across = Axis(xs[0], xs[-1], EDGE + 76, end, True)
    up = Axis(0.8 * min(ys), 1.25 * max(ys), bottom, top, True)
    out = line_legend(lines) + frame(across, up, xs, *units)
    for line in lines:
        out += draw_line(line, across, up, colours.get(line.name, FAINT))
    out += draw_labels(lines, across, up, colours)
    return page(title, bottom + 52, out)
