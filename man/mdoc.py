# SPDX-License-Identifier: MIT
"""Prose of comments as mdoc, the language of manual pages."""
import errno
import re
import textwrap

CLOSING = ".,;:?!)]"
# What is marked up inside of a text. Backquotes come first: what is in them is
# one thing.
MARKED = re.compile(
    r"`(?P<quoted>[^`]+)`"
    r"|(?P<header>\bipc(?:_\w+)?\.h(?:pp)?\b|\bshmipc\.h\b)"
    r"|(?P<function>\bipc_[a-z0-9_]+\b)(?:\((?P<with>\w*)\))?(?!\*|\.\.\.)"
    r"|\b(?P<system>[a-z]+)\(\)"
    r"|(?P<constant>\bIPC_[A-Z0-9_]*[A-Z0-9]\b)(?![*_])"
    r"|(?P<type>\bIpc[A-Z]\w*[a-z]\b)(?!_)"
    r"|(?P<errno>\bE[A-Z0-9]{3,}\b)")
# Where the manual pages of the system's functions are.
SYSTEM = {"exec": 3, "fork": 2, "flock": 2, "free": 3, "malloc": 3, "mmap": 2,
          "poll": 2, "unlink": 2}
SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[.!?]\))\s+")


def escape(text):
    """Characters that roff takes for something else."""
    return text.replace("\\", "\\e")


def literal(text):
    """For programs, where each character has to be the one it is."""
    text = escape(text)
    for plain, escaped in (("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga"),
                           ("^", "\\(ha"), ("~", "\\(ti")):
        text = text.replace(plain, escaped)
    return text


def argument(text):
    """One argument of a macro."""
    text = literal(text).replace('"', "\\(dq")
    return f'"{text}"' if " " in text or not text else text


def guarded(line):
    """A line of text is no request."""
    return "\\&" + line if line[:1] in (".", "'") else line


def display(lines, indent=True):
    """Lines that stay as they are."""
    text = textwrap.dedent("\n".join(lines)).split("\n")
    return [".Bd -literal" + (" -offset indent" if indent else ""),
            *(guarded(literal(line)) for line in text), ".Ed"]


def capital(text):
    """A sentence begins with a capital, but not where a name is first."""
    word = re.match(r"[A-Za-z]*", text).group()
    if word in SYSTEM or text[len(word):len(word) + 1] in ("_", "("):
        return text
    return text[:1].upper() + text[1:]


class Prose:
    """Writes texts that name functions and headers which have pages."""

    def __init__(self, functions, headers, own=()):
        self.functions = functions
        self.headers = headers
        self.own = set(own)

    def macro(self, found):
        """The macro for something that is marked up, or None."""
        kind = next(kind for kind, text in found.groupdict().items()
                    if text is not None)
        text = found.group(kind)

        if kind == "quoted" and re.fullmatch(r"[\w.>\[\]-]+", text):
            inner = MARKED.fullmatch(text)
            return (inner and self.macro(inner)) or f".Fa {argument(text)}"
        if kind == "quoted":
            return f".Ql {argument(text)}"
        if kind == "header" and text in self.headers:
            return f".Xr {text} 3"
        if kind == "system" and text in SYSTEM:
            return f".Xr {text} {SYSTEM[text]}"
        if kind == "function" and (text in self.own or found.group("with")):
            return f".Fn {text} {found.group('with') or ''}".rstrip()
        if kind == "function" and text in self.functions:
            return f".Xr {text} 3"
        if kind == "constant":
            return f".Dv {text}"
        if kind == "type":
            return f".Vt {text}"
        if kind == "errno" and hasattr(errno, text):
            return f".Er {text}"
        return None

    def sentence(self, text):
        """Lines for one sentence."""
        lines, plain, at = [], "", 0

        def flush():
            nonlocal plain
            words = " ".join(escape(plain).replace("`", "").split())
            lines.extend(guarded(line) for line in textwrap.wrap(
                words, 78, break_long_words=False, break_on_hyphens=False))
            plain = ""

        for found in MARKED.finditer(text):
            macro = self.macro(found)
            if macro is None or found.start() < at:
                continue
            before = text[at:found.start()]
            start = re.search(r"[^\s]*$", before).group()
            end = re.match(r"[^\s]*", text[found.end():]).group()
            plain += before[:len(before) - len(start)]
            if start.strip("([\"") or (start and '"' in start):
                # Something is stuck to it: no macro, but the word as it is.
                plain += start
                at = found.start()
                continue
            flush()
            name, rest = macro.split(" ", 1)
            line = name + "".join(" " + c for c in start) + " " + rest
            if end.strip(CLOSING):
                line += " Ns " + argument(end)
            else:
                line += "".join(" " + c for c in end)
            lines.append(line)
            at = found.end() + len(end)
        plain += text[at:]
        flush()
        return lines

    def text(self, text):
        lines = []
        for sentence in SENTENCE.split(text.strip()):
            lines += self.sentence(sentence)
        return lines

    def paragraph(self, lines):
        """A paragraph of a comment, of which some lines may be a picture."""
        out, run, pictured = [], [], None

        def end():
            if not run:
                return
            if pictured:
                out.extend(display(run))
            else:
                out.extend([".Pp"] if out else [])
                out.extend(self.text(" ".join(run)))

        for line in lines:
            picture = line.startswith(("  ", "|"))
            if picture != pictured:
                end()
                run, pictured = [], picture
            run.append(line)
        end()
        return out

    def paragraphs(self, paragraphs):
        out = []
        for number, lines in enumerate(paragraphs):
            part = self.paragraph(lines)
            if number and not part[0].startswith(".Bd"):
                out.append(".Pp")
            out += part
        return out
