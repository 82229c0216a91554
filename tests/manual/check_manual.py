#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The manual has all that it should, and says what the headers say.

    check_manual.py SOURCE_ROOT MANUAL_DIR MANDOC HEADER...

MANDOC is empty where there is none. Speaks TAP.
"""
import collections
import html.parser
import pathlib
import re
import subprocess
import sys

# Pages of the system, which need not be installed where this runs.
SYSTEM = {"exec.3", "execve.2", "flock.2", "fork.2", "free.3", "ipcs.1",
          "malloc.3", "mmap.2", "poll.2", "shm_overview.7", "unlink.2"}
# What mandoc says of pages that are as they are meant: they are of this
# library, which pages there are is looked at here, and how wide a source is
# nobody sees.
MEANT = re.compile(r"operating system explicitly|referenced manual not found|"
                   r"input text line longer|lacks .* entry, run makewhatis")

count = 0


def report(name, complaints):
    global count
    count += 1
    print(f"{'not ok' if complaints else 'ok'} {count} - {name}")
    for complaint in list(complaints)[:40]:
        print(f"# {complaint}")


def skip(name, reason):
    global count
    count += 1
    print(f"ok {count} - {name} # SKIP {reason}")


def page_of(man3, name):
    """The page that one who asks for a name gets, or None."""
    path = man3 / f"{name}.3"
    if not path.exists():
        return None
    link = re.match(r"\.so (man3/\S+)\n", path.read_text())
    return man3.parent / link.group(1) if link else path


def words(text):
    """What is told, however it is set; a sentence can begin with any word."""
    return collections.Counter(
        re.findall(r"\w+", text.replace("`", "").lower()))


def contracts(header):
    """(names, comment) of each comment that is followed by functions."""
    text = header.read_text()
    for comment, code in re.findall(
            r"/\*\*((?:(?!\*/).)*)\*/\n((?:(?!/\*|\n\n).)*)", text, re.S):
        names = re.findall(r"^IPC_API\s[^;{(]*?\b(\w+)\s*\(", code, re.M)
        if names:
            yield names, re.sub(r"\n\s*\* ?", "\n", comment)


def missing_functions(root, man3, headers):
    declared = {name for header in headers
                for names, _ in contracts(header) for name in names}
    exported = set(re.findall(r"^\s+(ipc_\w+);", (root / "lib" / "shmipc.map")
                              .read_text(), re.M))
    # Of headers that this build leaves out there are no pages.
    left_out = {name for header in (root / "include" / "shmipc").glob("*.h")
                if header.name not in {h.name for h in headers}
                for names, _ in contracts(header) for name in names}
    if not exported:
        yield "lib/shmipc.map names no function"
    for name in sorted((exported - left_out) | declared):
        page = page_of(man3, name)
        if page is None or not page.exists():
            yield f"{name} has no page"
            continue
        text = page.read_text()
        for line in (rf"^\.Nm {name}( ,)?$", rf"^\.Fo {name}$"):
            if not re.search(line, text, re.M):
                yield f"{page.name} has no line {line}"


def rendered(mandoc, page):
    shown = subprocess.run([mandoc, "-Tutf8", "-O", "width=200", str(page)],
                           check=True, capture_output=True, text=True,
                           encoding="utf-8").stdout
    return re.sub(r".\x08", "", shown)


def lost_words(mandoc, man3, headers):
    """Nothing of a contract is left out of its page."""
    seen = {}
    for header in headers:
        for names, comment in contracts(header):
            page = page_of(man3, names[0])
            if page is None:
                continue # told above
            if page not in seen:
                seen[page] = words(rendered(mandoc, page))
            told = re.sub(r"\bSince \d+\.\d+\.\d+\.", "", comment)
            lost = words(told) - seen[page]
            if lost:
                yield f"{page.name}: lost {' '.join(sorted(lost))}"


def lost_statuses(root, man3):
    text = (man3 / "ipc_status.3").read_text()
    header = (root / "include" / "shmipc" / "ipc_common.h").read_text()
    found = re.findall(r"^    (IPC_\w+) = (-?\d+)", header, re.M)
    if len(found) < 30:
        yield "ipc_common.h: this script has lost its way"
    for name, number in found:
        shown = number.replace("-", "\\-")
        if f".It Dv {name} Pq {shown}\n" not in text:
            yield f"ipc_status(3) lacks {name}, {number}"


def dangling(pages, known):
    for page in pages:
        for name, section in re.findall(r"\bXr (\S+) (\d)",
                                        page.read_text()):
            if f"{name}.{section}" not in known | SYSTEM:
                yield f"{page.name} speaks of {name}({section})"


def style(mandoc, pages):
    said = subprocess.run([mandoc, "-Tlint", "-Wstyle", *map(str, pages)],
                          capture_output=True, text=True, check=False)
    for line in (said.stdout + said.stderr).splitlines():
        if not MEANT.search(line):
            yield line


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.anchors, self.links, self.pictures = set(), set(), 0

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.anchors.add(attributes.get("id"))
        self.pictures += tag == "svg"
        if tag in ("a", "link"):
            self.links.add(attributes.get("href"))


def dead_links(directory):
    pages = {}
    for path in sorted(directory.glob("*.html")):
        pages[path.name] = Links()
        pages[path.name].feed(path.read_text(encoding="utf-8"))
    front = pages.get("index.html")
    if front is None:
        yield "there is no index.html"
        return
    if front.pictures != 6:
        yield f"index.html has {front.pictures} pictures"
    for name in pages:
        if ".h.3" in name and name not in front.links:
            yield f"index.html has no link to {name}"
    for name, page in pages.items():
        for link in page.links - {None}:
            target, _, anchor = link.partition("#")
            if link.startswith("https://"):
                continue
            if target and not (directory / target).exists():
                yield f"{name}: {link}"
            elif anchor and anchor not in pages[target or name].anchors:
                yield f"{name}: {link}"


def main(root, manual, mandoc, *headers):
    root, manual = pathlib.Path(root), pathlib.Path(manual)
    headers = [pathlib.Path(header) for header in headers]
    man3 = manual / "man3"
    made = sorted(manual.glob("man[37]/*.[37]"))
    written = sorted(root.glob("tools/**/*.1"))
    pages = [page for page in made if not page.read_text().startswith(".so")]

    print("1..6")
    report("each function that is exported has a page",
           list(missing_functions(root, man3, headers)))
    report("each status is told of", list(lost_statuses(root, man3)))
    report("each reference is to a page that exists",
           list(dangling(pages + written,
                         {page.name for page in made + written})))
    if not mandoc:
        for name in ("nothing of a contract is lost", "mandoc finds nothing",
                     "each link of the HTML leads somewhere"):
            skip(name, "mandoc is not installed")
        return
    report("nothing of a contract is lost",
           list(lost_words(mandoc, man3, headers)))
    report("mandoc finds nothing", list(style(mandoc, pages + written)))
    report("each link of the HTML leads somewhere",
           list(dead_links(manual / "html")))


if __name__ == "__main__":
    main(*sys.argv[1:])
