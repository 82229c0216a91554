#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All places that name the version agree with meson.build.

    check_version.py SOURCE_ROOT VERSION PRINT_VERSION

PRINT_VERSION is a command that prints the header's and the library's.
"""
import os
import pathlib
import re
import shlex
import subprocess
import sys

errors = []


def expect(place, got, expected):
    print(f"{place}: {got}")
    if got != expected:
        errors.append(place)
        print(f"{place}: expected {expected}")


def number(version):
    return tuple(int(part) for part in version.split("."))


def first(path, pattern):
    found = re.search(pattern, path.read_text(), re.M)
    return found.group(1) if found else "no version found"


def check_news(path, version):
    """The newest release in it is this version; between releases, with
    Unreleased on top, it may also be an older one or none."""
    if not path.exists():
        expect(path.name, "no such file", version)
        return
    headings = re.findall(r"^## \[?(?:libshmipc )?v?(\S+?)\]?(?:\s|$)",
                          path.read_text(), re.M)

    if headings and headings[0].lower() == "unreleased":
        older = [h for h in headings[1:2] if number(h) > number(version)]
        expect(path.name, older[0] if older else version, version)
    else:
        expect(path.name, headings[0] if headings else "no heading", version)


def check_since(headers, version):
    """No function is promised for a version that is not there yet."""
    for header in headers:
        for since in re.findall(r"Since[\s*]+(\d+\.\d+\.\d+)",
                                header.read_text()):
            if number(since) > number(version):
                expect(f"{header.name}, a contract", since, version)


def check_layout(root, version):
    """The layout that is written now is told to be so, by a version that there
    is."""
    layout = first(root / "lib" / "ring" / "layout.h",
                   r"^#define SHMIPC_LAYOUT_VERSION UINT32_C\((\d+)\)")
    told = re.findall(r"^\| (\d+) \| (\S+) \| yes \|",
                      (root / "docs" / "abi.md").read_text(encoding="utf-8"),
                      re.M)
    expect("docs/abi.md, layout", told[-1][0] if told else "none", layout)
    if told and number(told[-1][1]) > number(version):
        expect("docs/abi.md, layout since", told[-1][1], version)


def main():
    root = pathlib.Path(sys.argv[1])
    version = sys.argv[2]
    changelog = root / "debian" / "changelog"
    spec = root / "rpm" / "libshmipc.spec"

    expect("meson.build",
           first(root / "meson.build", r"^\s*version: '([^']+)'"), version)
    # What runs programs of another machine.
    wrapper = shlex.split(os.environ.get("MESON_EXE_WRAPPER", ""))
    output = subprocess.run(wrapper + sys.argv[3:], check=True,
                            capture_output=True, text=True).stdout
    for line in output.splitlines():
        place, said = line.rsplit(" ", 1)
        expect(place, said, version)
    check_news(root / "NEWS.md", version)
    check_layout(root, version)
    check_since((root / "include" / "shmipc").glob("*.h"), version)
    # A release has no debian/.
    if changelog.exists():
        expect("debian/changelog",
               first(changelog, r"\A\S+ \((?:\d+:)?([^-)]+)"), version)
    for name, pattern in (("PKGBUILD", r"^pkgver=(\S+)"),
                          ("APKBUILD", r"^pkgver=(\S+)"),
                          ("shmipc.wrap", r"^directory = shmipc-(\S+)"),
                          ("shmipc.wrap", r"download/v([^/]+)/"),
                          ("shmipc.wrap", r"^source_filename = shmipc-(\S+)"
                                          r"\.tar\.xz")):
        expect(f"packages/{name}", first(root / "packages" / name, pattern),
               version)
    if spec.exists():
        expect("rpm/libshmipc.spec", first(spec, r"^Version:\s*(\S+)"), version)
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
