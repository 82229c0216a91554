#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The interface is the same wherever it is written down.

    check_interface.py SOURCE_ROOT SOVERSION [NM LIBRARY [HEADER...]]

The library was built without what is in the HEADERs.

IPC_API functions in the headers = names in lib/shmipc.map = what the shared
library exports = debian's symbols file. Every one of them says in its contract
since when it exists; names begin as ours do; and no text speaks of an ipc_
function that does not exist. Who makes results in lib/ includes answer.h, so
that its errors are told of.
"""
import pathlib
import re
import subprocess
import sys

import c_text

# The minor version with which this soversion began; 0 when it is raised.
FIRST_MINOR = 1
errors = []


def report(text):
    errors.append(text)
    print(text)


def declared(header):
    """Names of the IPC_API functions of a header."""
    text = c_text.without_comments(header.read_text())
    return re.findall(r"^IPC_API\s[^;{(]*?\b(\w+)\s*\(", text, re.M)


def contracts(header):
    """(name, comment) of each IPC_API function. A comment holds for all that
    follows without an empty line."""
    for paragraph in re.split(r"\n\s*\n", hide_breaks(header.read_text())):
        names = re.findall(r"^IPC_API\s[^;{(]*?\b(\w+)\s*\(",
                           c_text.without_comments(paragraph), re.M)
        comment = re.match(r"\s*(/\*\*.*?\*/)", paragraph, re.S)
        for name in names:
            yield name, comment.group(1) if comment else ""


def hide_breaks(text):
    """An empty line inside of a comment ends no paragraph."""
    return c_text.COMMENT.sub(
        lambda m: re.sub(r"\n\s*\*[ \t]*(?=\n)", "\n * -", m.group()), text)


def compare(what, expected, got):
    for name in sorted(expected - got):
        report(f"{what}: {name} is missing")
    for name in sorted(got - expected):
        report(f"{what}: {name} is too much")


def check_map(path, soversion, functions, since):
    """Name -> version node. There is one for each release that brought
    functions, so that a program that uses them is told by which release it can
    be run: the first of a soversion is SHMIPC_<soversion>, that of a later
    minor version has its number behind that, and names the one before."""
    text = c_text.without_comments(path.read_text())
    first = f"SHMIPC_{soversion}"
    nodes = {}
    before = ""

    for node, body, parent in re.findall(
            r"^(\w+) \{\n(.*?)^\}\s*(\w*);", text, re.M | re.S):
        listed = re.findall(r"^\s*(\w+);", body, re.M)
        if listed != sorted(listed):
            report(f"{path}: {node}: names are not in order")
        if parent != before:
            report(f"{path}: {node} does not go on from {before or 'nothing'}")
        nodes.update(dict.fromkeys(listed, node))
        before = node
    if first not in nodes.values():
        report(f"{path}: no version node {first}")
    compare(str(path), functions, set(nodes))
    for name, version in since.items():
        minor = int(version.split(".")[1])
        node = first if minor == FIRST_MINOR else f"{first}_{minor}"
        if nodes.get(name, node) != node:
            report(f"{path}: {name} is since {version}, so it belongs to "
                   f"{node}")
    return nodes


def check_library(nm, library, nodes, functions):
    output = subprocess.run([*nm.split(), "-D", "--defined-only", library],
                            check=True, capture_output=True, text=True).stdout
    exported = {}
    for line in output.splitlines():
        _, kind, name = line.split()
        exported[name] = kind
    for node in set(nodes.values()):
        if exported.pop(f"{node}@@{node}", exported.pop(node, "A")) != "A":
            report(f"{library}: {node} is not a version node")
    compare(library, {f"{name}@@{nodes[name]}" for name in functions
                      if name in nodes}, set(exported))


def check_debian(path, nodes):
    if not path.exists():
        return # a release without debian/
    listed = re.findall(r"^ (\w+)@(\w+) ", path.read_text(), re.M)
    compare(str(path), set(nodes.items()) |
            {(node, node) for node in nodes.values()}, set(listed))


def check_times(root, soversion, headers):
    """What takes a timeout exists for both widths of time_t, where there are
    two."""
    node = f"SHMIPC_TIME64_{soversion}"
    symbols = root / "debian" / f"libshmipc{soversion}.symbols"
    narrow = root / "lib" / "channel" / "time32.c"
    wide = root / "lib" / "time64.map"
    times = set()

    for header in headers:
        text = c_text.without_comments(header.read_text())
        for declaration in re.findall(r"^IPC_API\s[^;{]*?;", text, re.M):
            name = re.search(r"\b(\w+)\s*\(", declaration).group(1)
            named = re.findall(r'IPC_TIME_\("(\w+)"\)', declaration)
            if named != ([name] if "struct timespec" in declaration else []):
                report(f"{header}: {name}: IPC_TIME_ with its name if, and "
                       "only if, it takes a timeout")
            times |= set(named)
    compare(str(narrow), times,
            set(re.findall(r'__asm__\("(\w+)"\)', narrow.read_text())))
    times = {f"{name}_time64" for name in times}
    if not re.search(rf"^{node} \{{", wide.read_text(), re.M):
        report(f"{wide}: no version node {node}")
    compare(str(wide), times,
            set(re.findall(r"^\s*(\w+);", wide.read_text(), re.M)))
    if symbols.exists():
        compare(str(symbols), {(n, node) for n in times | {node}},
                set(re.findall(r"^ \(optional\|arch-bits=32\)(\w+)@(\w+) ",
                               symbols.read_text(), re.M)))


def check_contracts(header):
    """Name -> since when."""
    since = {}

    for name, comment in contracts(header):
        found = re.search(r"\bSince\s[\s*]*(\d+\.\d+\.\d+)\.", comment)
        if found:
            since[name] = found.group(1)
        else:
            report(f"{header}: {name}: no contract that ends with "
                   '"Since X.Y.Z."')
    return since


# What is left to do when these fail, most programs do not care about; and
# nothing that was sent or read is lost; or, of an answer, who wanted it is gone.
MAY_BE_IGNORED = re.compile(
    r"_(abort|answer|cancel|clear_interrupt|close|complete_wait|destroy|"
    r"interrupt|leave_shared|owners|recover|recover_force|refuse|remove|"
    r"skip_force|stats|unlink|unmap)$")


def check_ignored(header):
    """Compilers warn about a result that tells of a loss and is not used."""
    text = c_text.without_comments(header.read_text())

    for declaration, name in re.findall(
            r"^IPC_API\s([^;{(]*?)\b(\w+)\s*\(", text, re.M):
        if not re.search(r"\bIpc\w+Result\s*$", declaration):
            continue
        wanted = not MAY_BE_IGNORED.search(name)
        if wanted != ("IPC_NODISCARD_" in declaration):
            report(f"{header}: {name}: IPC_NODISCARD_ "
                   + ("is missing" if wanted else "is too much"))


def check_prefixes(header):
    text = c_text.without_comments(header.read_text())
    ours = r"(?:ipc_|Ipc|IPC_|SHMIPC_)"

    for pattern in (r"^\s*#\s*define\s+(\w+)", r"^\}\s*(\w+)\s*;",
                    r"^typedef\s+struct\s+(\w+)", r"^typedef\s+enum\s+(\w+)",
                    r"^IPC_RESULT\w*\((\w+)", r"^IPC_API\s[^;{(]*?\b(\w+)\s*\("):
        for name in re.findall(pattern, text, re.M):
            if not re.match(ours, name):
                report(f"{header}: {name} does not begin with a name of ours")


def check_mentions(root, functions, headers):
    """No dangling references in prose."""
    known = functions | {header.stem for header in headers}
    places = [*headers, *root.glob("include/**/*.hpp"), *root.glob("*.md"),
              *root.glob("docs/**/*.md"), *root.glob("man/**/*.[1-9]*"),
              *root.glob("examples/*.c"), *root.glob("examples/*.cpp")]

    for path in places:
        text = path.read_text()
        for found in re.finditer(r"\bipc_[a-z0-9_]+\b(?!\*|<|\w*\.c\b)", text):
            name = found.group()
            if name in known or name == "ipc_status":
                continue
            # ipc_<object>_<verb>, ipc_channel_...: a pattern and not a name
            if name.endswith("_") or text[found.end():].startswith("..."):
                continue
            line = text.count("\n", 0, found.start()) + 1
            report(f"{path}:{line}: there is no {name}")


def check_told(lib):
    """answer.h itself sees to being first."""
    makers = [path for path in lib.rglob("*.c")
              if re.search(r"\bIpc\w+Result_(ok|error|error_body)\(",
                           path.read_text())]

    for path in makers:
        if '#include "answer.h"' not in path.read_text():
            report(f"{path}: makes results and does not include answer.h")
    if not makers:
        report("nobody makes results: this script has lost its way")


def main():
    root = pathlib.Path(sys.argv[1])
    soversion = sys.argv[2]
    headers = sorted((root / "include" / "shmipc").glob("*.h"))
    functions = {name for header in headers for name in declared(header)}

    if not functions:
        report("no function found: this script has lost its way")
    since = {}
    for header in headers:
        since.update(check_contracts(header))
    nodes = check_map(root / "lib" / "shmipc.map", soversion, functions, since)
    check_debian(root / "debian" / f"libshmipc{soversion}.symbols", nodes)
    check_times(root, soversion, headers)
    for header in headers:
        check_ignored(header)
        check_prefixes(header)
    check_mentions(root, functions, headers)
    check_told(root / "lib")
    if len(sys.argv) > 3:
        missing = {name for header in headers if header.name in sys.argv[5:]
                   for name in declared(header)}
        check_library(sys.argv[3], sys.argv[4], nodes, functions - missing)
    else:
        print("what the library exports is not checked: there is no shared "
              "library, or no nm")
    print(f"{len(headers)} headers, {len(functions)} functions, "
          f"{len(errors)} errors")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
