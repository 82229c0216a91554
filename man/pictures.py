# SPDX-License-Identifier: MIT
"""The pictures of the manual's front page, as SVG in the colours of the page
(shmipc.css)."""

CELL = 46


class Picture:
    def __init__(self, width, height, title):
        self.parts = [
            f'<svg viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{title}"><title>{title}</title>']

    def box(self, x, y, width, text, kind="", height=30):
        self.parts.append(
            f'<rect class="{kind}" x="{x}" y="{y}" width="{width}" '
            f'height="{height}" rx="3"/>')
        for number, line in enumerate(text.split("|")):
            self.text(x + width / 2, y + 19 + 15 * number, line)
        return self

    def text(self, x, y, text, anchor="middle"):
        self.parts.append(
            f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>')
        return self

    def arrow(self, x1, y1, x2, y2):
        """A line whose head is at the second point; straight up, down, left or
        right."""
        dx, dy = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
        self.parts.append(f'<path class="arrow" d="M{x1} {y1}L{x2} {y2}'
                          f"m{-7 * dx - 4 * dy} {-7 * dy - 4 * dx}"
                          f"L{x2} {y2}l{-7 * dx + 4 * dy} {-7 * dy + 4 * dx}"
                          '"/>')
        return self

    def ring(self, x, y, cells):
        for number, cell in enumerate(cells):
            kind = "held" if cell.startswith("*") else "full" if cell else "free"
            self.box(x + number * CELL, y, CELL, cell.strip("*"), kind)
        return self

    def done(self):
        return "\n".join(self.parts + ["</svg>"])


def layout():
    picture = Picture(760, 190, "What is in the memory of a channel")
    parts = [("identity", 70), ("tail", 60), ("head", 60), ("wait words", 84),
             ("owners", 70), ("control words", 176), ("blocks", 220)]
    x = 10
    for name, width in parts:
        picture.box(x, 30, width, name, "full" if name == "blocks" else "free")
        if name == "tail":
            picture.text(x + 30, 116, "writers claim").arrow(
                x + 30, 100, x + 30, 66)
        if name == "head":
            picture.text(x + 40, 146, "readers take").arrow(
                x + 30, 130, x + 30, 66)
        if name == "owners":
            picture.text(x + 35, 176, "who claims, and does he live").arrow(
                x + 35, 160, x + 35, 66)
        if name == "control words":
            for cell in range(4):
                picture.box(x + 10 + cell * 39, 76, 39, "", "free", 16)
            picture.text(x + 88, 116, "one per block: lap, state")
        if name == "blocks":
            for cell in range(4):
                picture.box(x + 10 + cell * 50, 76, 50, "", "full", 16)
            picture.text(x + 110, 116, "64 bytes each, payload only")
        x += width
    return picture.done()


def queue():
    return Picture(390, 110, "Queue: each message to one reader") \
        .text(4, 54, "writers", "start").arrow(58, 50, 84, 50) \
        .ring(88, 34, ["d", "c", "b", "a"]) \
        .arrow(274, 44, 300, 44).text(304, 48, "one of", "start") \
        .text(304, 63, "the readers", "start") \
        .done()


def work_queue():
    return Picture(390, 110, "Work queue: held until it is acknowledged") \
        .text(4, 54, "writers", "start").arrow(58, 50, 84, 50) \
        .ring(88, 34, ["d", "c", "b", "*a"]) \
        .arrow(249, 94, 249, 66).text(241, 104, "held by worker A", "end") \
        .arrow(203, 12, 203, 32).text(212, 20, "worker B gets b", "start") \
        .done()


def broadcast():
    return Picture(390, 110, "Broadcast: every message to every subscriber") \
        .text(4, 54, "writers", "start").arrow(58, 50, 84, 50) \
        .ring(88, 34, ["e", "d", "c", "b", "a"]) \
        .arrow(111, 94, 111, 66).text(111, 106, "subscriber A") \
        .arrow(203, 94, 203, 66).text(203, 106, "subscriber B") \
        .text(330, 54, "kept", "start") \
        .done()


def tap():
    return Picture(390, 110, "Tap: looks on, takes nothing") \
        .text(4, 54, "writers", "start").arrow(58, 50, 84, 50) \
        .ring(88, 34, ["d", "c", "b", "a"]) \
        .arrow(274, 50, 300, 50).text(304, 54, "readers", "start") \
        .arrow(157, 66, 157, 92).text(157, 106, "tap: a copy") \
        .done()


def service():
    return Picture(390, 110, "Request and response") \
        .text(8, 34, "clients", "start").arrow(58, 30, 84, 30) \
        .ring(88, 14, ["", "", "q", "q"]).arrow(274, 30, 300, 30) \
        .text(304, 34, "servers", "start") \
        .arrow(300, 86, 276, 86).ring(88, 70, ["", "", "", "r"]) \
        .arrow(84, 86, 58, 86).text(4, 90, "client A", "start") \
        .done()
