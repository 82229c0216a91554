#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the manual readable in a browser, by mandoc.

    make_html.py MANDOC OUTPUT_DIR VERSION MANUAL_DIR STYLE FRONT PAGE...

Each page below MANUAL_DIR and each PAGE becomes one of OUTPUT_DIR, with links to
the others; index.html is made of FRONT (front.html.in).
"""
import html
import pathlib
import re
import shutil
import subprocess
import sys

import pictures

ELSEWHERE = "https://manpages.debian.org/"
REDIRECT = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{name}</title>
<meta http-equiv="refresh" content="0; url={target}">
</head><body><p><a href="{target}">{target}</a></p></body></html>
"""


def link_target(page):
    """The page that a page consisting of .so stands for, or None."""
    found = re.match(r"\.so man\d/(\S+)\n", page.read_text(encoding="utf-8"))
    return found.group(1) if found else None


def described(page):
    """What a page says that its subject is."""
    text = page.read_text(encoding="utf-8")
    found = re.search(r"^\.Nd (.*)", text, re.M)
    return found.group(1).replace("\\&", "").replace("\\e", "\\") if found else ""


def listing(pages):
    lines = []
    for page in pages:
        section = page.suffix[1:]
        lines.append(f'<dt><a href="{page.name}.html">{html.escape(page.stem)}'
                     f'</a>({section})</dt>'
                     f"<dd>{html.escape(described(page))}</dd>")
    return "<dl>\n" + "\n".join(lines) + "\n</dl>"


def front(template, version, pages):
    own = [page for page in pages if not link_target(page)]
    text = template.read_text(encoding="utf-8").replace("@VERSION@", version)

    def filled(found):
        word, rest = found.groups()
        if word == "PICTURE":
            return getattr(pictures, rest)()
        if word == "OVERVIEWS":
            return listing(p for p in own if p.suffix in (".1", ".7")
                           or p.stem == "ipc_status")
        if word == "HEADERS":
            return listing(p for p in own if ".h" in p.stem)
        if word == "FUNCTIONS":
            return listing(p for p in own if p.suffix == ".3"
                           and ".h" not in p.stem and p.stem != "ipc_status")
        sys.exit(f"{template}: @{word}@")

    return re.sub(r"@(\w+) ?(\w*)@", filled, text)


def main(mandoc, output, version, manual, style, template, *more):
    output = pathlib.Path(output)
    pages = sorted(pathlib.Path(manual).glob("man*/*.[0-9]"))
    pages += [pathlib.Path(page) for page in more]
    pages = [page.resolve() for page in pages]
    pages.sort(key=lambda page: (page.suffix, page.stem))

    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    shutil.copyfile(style, output / "shmipc.css")
    names = {f"{page.name}.html" for page in pages}

    def reachable(found):
        """A link to a page of ours, or to one of the system's."""
        name = found.group(1)
        return found.group() if name in names else \
            f'href="{ELSEWHERE}{name[:-len(".html")]}"'

    for page in pages:
        target = link_target(page)
        path = output / f"{page.name}.html"
        if target:
            path.write_text(REDIRECT.format(
                name=page.stem, target=f"{target}.html"), encoding="utf-8")
            continue
        made = subprocess.run(
            [mandoc, "-Thtml", "-O", "style=shmipc.css,man=%N.%S.html",
             str(page)],
            cwd=output, check=True, capture_output=True, text=True,
            encoding="utf-8").stdout
        made = re.sub(r'href="([^"#/]+\.html)"', reachable, made)
        path.write_text(made.replace(
            "<body>", '<body>\n<p class="up"><a href="index.html">libshmipc '
            f"{version}</a></p>", 1), encoding="utf-8")
    (output / "index.html").write_text(
        front(pathlib.Path(template), version, pages), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
