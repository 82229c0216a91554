#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes the manual out of the public headers.

    manual.py OUTPUT_DIR VERSION DATE ROOT TEMPLATE HEADER...

OUTPUT_DIR/man3 gets a page for each family of functions, links for the rest of
the family, one for each header and one for the statuses; OUTPUT_DIR/man7 what
TEMPLATE (shmipc.7.in) is made into. Nothing of it is written twice: contracts
are those of the headers, programs those of ROOT/examples.
"""
import pathlib
import re
import shutil
import sys

import contracts
import mdoc

LABEL = r"IPC_(?:OK|EMPTY|ALREADY_SKIPPED|ERR_[A-Z_]+[A-Z])"
STATUS = re.compile(rf"({LABEL}(?:,? (?:and )?{LABEL})*)"
                    r"(?::|\.|,? (?=as for |as in |if ))\s*")
# Sentences that are about the call and not about a status.
ABOUT_CALL = re.compile(
    r"(?:Allocates|Async-signal|Blocks|Changes nothing|Copies|Does not|"
    r"Lock-free|Looks at|Makes|May be called|Neither|Never|No allocation|"
    r"No other thread|None allocates|Safe from|Stores nothing|Any |"
    r"The body describes|The rest|They block|Wait-free|Waits for|Others as|"
    r"Else as|Requests|Its )")


def joined(paragraph):
    return " ".join(line.strip() for line in paragraph)


def without_since(paragraphs):
    """Paragraphs without "Since X.Y.Z.", and the version."""
    version, out = "", []
    for lines in paragraphs:
        if lines[0].startswith("  "):
            out.append(lines)
            continue
        text = "\n".join(lines)
        found = re.search(r"\s*\bSince\s+(\d+\.\d+\.\d+)\.", text)
        if found:
            version = found.group(1)
            text = text[:found.start()] + text[found.end():]
        if text.strip():
            out.append(text.strip("\n").split("\n"))
    return out, version


def split_statuses(text):
    """(before, [(labels, text)], after) of a paragraph."""
    before, items, after = [], [], []

    for sentence in mdoc.SENTENCE.split(text.strip()):
        found = STATUS.match(sentence)
        if found and not after:
            items.append((found.group(1), [sentence[found.end():]]))
        elif not items:
            before.append(sentence)
        elif after or ABOUT_CALL.match(sentence):
            after.append(sentence)
        else:
            items[-1][1].append(sentence)
    return (" ".join(before), [(labels, " ".join(texts).strip())
                               for labels, texts in items], " ".join(after))


def summary(paragraphs):
    """The first sentence, as far as it fits into one line."""
    text = re.split(r"[.;](?:\s|$)", joined(paragraphs[0]))[0]
    text = text.replace("`", "")
    if len(text) > 72:
        text = re.sub(r" \([^)]*\)", "", text)
    for cut in (r"[:,] ", r" (?=up to)",
                r" (?=(?:that|which|as|and|with|into|if|where|who|one) )",
                r" (?=(?:of|over|from|for|at|in) )"):
        if len(text) <= 72:
            break
        cuts = [found.start() for found in re.finditer(cut, text[:72])
                if found.start() > 20]
        text = text[:cuts[-1]] if cuts else text
    if not re.match(r"[A-Z]{2}|Ipc|POSIX", text):
        text = text[0].lower() + text[1:]
    return re.sub(r" (?:in|of|to|for|from|up|and|or)$", "", text).strip(" ,:")


class Manual:
    def __init__(self, version, date, headers):
        self.version = version
        self.date = date
        self.headers = headers
        self.names = {header.name for header in headers}
        self.functions = {name for header in headers
                          for contract in header.contracts
                          for name in contract.names}
        self.results = contracts.results(headers)
        self.structures = contracts.structures(headers)
        self.status_texts = {name: joined(text[0]) for name, _, text
                             in contracts.statuses(headers)}
        self.primary = {}
        for header in headers:
            for family in contracts.families(header):
                for contract in family:
                    for name in contract.names:
                        self.primary[name] = family[0].names[0]

    def prose(self, own=()):
        return mdoc.Prose(self.functions, self.names, own)

    def opening(self, title, section, names, description):
        names = [f".Nm {name} ," for name in names[:-1]] + [f".Nm {names[-1]}"]
        return ['.\\" Made by man/manual.py from the headers: change those.',
                f".Dd {self.date}", f".Dt {title.upper()} {section}",
                f".Os libshmipc {self.version}", ".Sh NAME", *names,
                f".Nd {mdoc.escape(description)}"]

    @staticmethod
    def see_also(names, section="3", more=()):
        pages = sorted(set((name, section) for name in names) | set(more),
                       key=lambda page: (page[1], page[0]))
        lines = [f".Xr {name} {part} ," for name, part in pages]
        return [".Sh SEE ALSO", *lines[:-1], lines[-1][:-2]]

    def mentioned(self, text):
        """Functions and headers with pages that a text speaks of."""
        return {self.primary[name] for name in
                re.findall(r"\bipc_\w+\b(?!\.h)", text)
                if name in self.functions} | {
            name for name in re.findall(r"\b\w+\.h\b", text)
            if name in self.names}

    def results_of(self, functions):
        """What the results of these functions hold besides the status."""
        lines, bodies = [], []
        for function in functions:
            kind = function.type
            if kind not in self.results or kind in [b[0] for b in bodies]:
                continue
            bodies.append((kind, *self.results[kind]))
        for kind, result, body in bodies:
            lines += [".Pp", f".Vt {kind}", "has the members", ".Fa ipc_status ,"]
            if result:
                lines += [".Fa result", f".Pq Vt {mdoc.argument(result)} ,"]
            lines += [".Fa error.detail ,", ".Fa error.has_body", "and",
                      ".Fa error.body ,", "which is of type", f".Vt {body} ."]
        for body in dict.fromkeys(body for _, _, body in bodies):
            if body in self.structures:
                lines += mdoc.display(self.structures[body].split("\n"),
                                      indent=False)
        if bodies:
            lines += [".Pp", "How results are looked at is told in",
                      ".Xr ipc_common.h 3 ."]
        return lines

    def function_page(self, header, family):
        own = [name for contract in family for name in contract.names]
        prose = self.prose(own)
        first = family[0]
        text, since = without_since(first.text)
        page = self.opening(own[0], 3, own, summary(text))
        page += [".Sh LIBRARY", "libshmipc (\\-lshmipc, pkg-config: shmipc)",
                 ".Sh SYNOPSIS", f".In shmipc/{header.name}"]
        for contract in family:
            for function in contract.functions:
                page += [f".Ft {mdoc.argument(function.type)}",
                         f".Fo {function.name}",
                         *(f".Fa {mdoc.argument(a)}"
                           for a in function.arguments), ".Fc"]
        page += self.contract(prose, text, first.functions)
        if family[1:]:
            page += [".Sh VARIANTS", ".Bl -tag -width Ds"]
            for contract in family[1:]:
                variant, _ = without_since(contract.text)
                names = [f"Fn {name}" for name in contract.names]
                page += [".It " + " , ".join(names), *prose.paragraphs(variant)]
            page += [".El"]
        history = f"libshmipc {since}" if since else "libshmipc"
        page += [*self.see_also(
            (self.mentioned(" ".join(joined(p) for c in family
                                     for p in c.text))
             | {header.name}) - set(own), more=[("shmipc", "7")]),
            ".Sh HISTORY",
            "This is there since", f"{history}."]
        return page

    def contract(self, prose, text, functions):
        """DESCRIPTION, RETURN VALUES and NOTES of a contract."""
        description, values, notes = [], [], []
        told = False
        for lines in text:
            if lines[0].startswith("  "):
                description += mdoc.display(lines)
                continue
            before, items, after = split_statuses(joined(lines))
            if before:
                target = notes if told else description
                target += ([".Pp"] if target else []) + prose.text(before)
            if items:
                told = True
                values += [".Bl -tag -width Ds"] + [
                    line for labels, body in items
                    for line in self.status_item(prose, labels, body)] + [".El"]
            if after:
                notes += ([".Pp"] if notes else []) + prose.text(after)
        out = [".Sh DESCRIPTION", *description]
        values += self.results_of(functions)
        if values:
            while values[0] == ".Pp":
                del values[0]
            out += [".Sh RETURN VALUES", *values]
        return out + ([".Sh NOTES", *notes] if notes else [])

    def status_item(self, prose, labels, body):
        names = re.findall(LABEL, labels)
        if not body:
            body = " ".join(self.status_texts[name] for name in names)
        return [".It " + " , ".join(f"Dv {name}" for name in names),
                *prose.text(mdoc.capital(body))]

    def header_page(self, header):
        prose = self.prose()
        head = [list(lines) for lines in header.head]
        head[0][0] = re.sub(r"^libshmipc[:,] ?", "", head[0][0])
        own = joined(head[0])
        page = self.opening(header.name, 3, [header.name], summary(head))
        page += [".Sh SYNOPSIS", f".In shmipc/{header.name}",
                 ".Sh DESCRIPTION"]
        head[0][0] = head[0][0][0].upper() + head[0][0][1:]
        page += prose.paragraphs(head)
        if header.contracts:
            page += [".Ss Functions", ".Bl -tag -width Ds"]
            for family in contracts.families(header):
                names = [n for contract in family for n in contract.names]
                text, _ = without_since(family[0].text)
                page += [".It " + " , ".join(f"Xr {name} 3" for name in names),
                         mdoc.escape(mdoc.capital(summary(text)) + ".")]
            page += [".El"]
        if header.code:
            page += [".Ss Types and constants"]
            for chunk in header.code:
                page += mdoc.display(chunk.split("\n"), indent=False)
        includes = set(re.findall(r"#include <shmipc/([\w/]+\.h)>",
                                  header.text)) & self.names
        mentioned = {name for name in self.mentioned(own) if name in self.names}
        more = [("shmipc", "7")]
        if header.name == "ipc_common.h":
            more.append(("ipc_status", "3"))
        return page + self.see_also((includes | mentioned) - {header.name},
                                    more=more)

    def status_page(self):
        prose = self.prose()
        page = self.opening("ipc_status", 3, ["ipc_status"],
                            "outcomes of calls of libshmipc")
        page += [".Sh SYNOPSIS", ".In shmipc/ipc_common.h", ".Sh DESCRIPTION",
                 "Each call that can fail returns a result whose",
                 ".Fa ipc_status", "is one of these.",
                 "Negative ones are errors; positive ones say that there was",
                 "nothing to do.",
                 "What one means for a certain call is told in its page.",
                 ".Bl -tag -width Ds"]
        for name, number, text in contracts.statuses(self.headers):
            page += [f".It Dv {name} Pq {mdoc.argument(str(number))}",
                     *prose.paragraphs(text)]
        return page + [".El"] + self.see_also(
            ["ipc_common.h", "ipc_status_name", "ipc_status_text"],
            more=[("shmipc", "7")])

    def families(self):
        lines = []
        for header in self.headers:
            if not header.contracts:
                continue
            head = [list(lines) for lines in header.head]
            head[0][0] = re.sub(r"^libshmipc[:,] ?", "", head[0][0])
            text = re.split(r"[.:](?:\s|$)", joined(head[0]))
            text = text[1] if " " not in text[0] or \
                text[0].endswith(" layer") else text[0]
            lines += [f".It Xr {header.name} 3",
                      *self.prose().text(mdoc.capital(text) + ".")]
        return lines

    def overview(self, root, template):
        out = ['.\\" Made by man/manual.py from man/shmipc.7.in: change that.']
        for line in template.read_text(encoding="utf-8").split("\n"):
            if line.startswith(".\\\""):
                continue
            found = re.fullmatch(r"@(\w+) ?(.*)@", line)
            if not found:
                out.append(line.replace("@DATE@", self.date)
                           .replace("@VERSION@", self.version))
            elif found.group(1) == "PROGRAM":
                out += mdoc.display((root / found.group(2)).read_text(
                    encoding="utf-8").rstrip().split("\n")[1:], indent=False)
            elif found.group(1) == "FAMILIES":
                out += self.families()
            else:
                sys.exit(f"{template}: {line}")
        return out


def main(output, version, date, root, template, *paths):
    output = pathlib.Path(output)
    manual = Manual(version, date, contracts.read(paths))
    man3, man7 = output / "man3", output / "man7"

    for directory in (man3, man7):
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir(parents=True)

    def write(directory, name, lines):
        path = directory / f"{name}.{directory.name[-1]}"
        path.write_text("\n".join(lines).rstrip("\n") + "\n", encoding="utf-8")

    for header in manual.headers:
        write(man3, header.name, manual.header_page(header))
        for family in contracts.families(header):
            names = [name for contract in family for name in contract.names]
            write(man3, names[0], manual.function_page(header, family))
            for name in names[1:]:
                write(man3, name, [f".so man3/{names[0]}.3"])
    write(man3, "ipc_status", manual.status_page())
    write(man7, "shmipc",
          manual.overview(pathlib.Path(root), pathlib.Path(template)))


if __name__ == "__main__":
    main(*sys.argv[1:])
