#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mistakes made by rule, one in each place where the rule fits.

    generate.py [--per-function N] [--seed S] [FILE[:FUNCTION]...]   lists them

Parsing is by the text: the house style makes that easy, and what goes wrong
does not compile.
"""
import argparse
import os
import random
import re
import sys
import zlib
from dataclasses import dataclass

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "headers"))
from c_text import DEFINITION, without_comments  # noqa: E402

STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)+\'')
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
# What a statement begins after.
START = r"(?<=[;{})])\s*\n\s*|(?<=\belse)\s+"
RELATIONS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=",
             "!=": "=="}
WEAKER = {
    "atomic_get_acquire": ["atomic_get_relaxed"],
    "atomic_put_release": ["atomic_put_relaxed"],
    "atomic_cas_release": ["atomic_cas_relaxed"],
    "atomic_cas_acq_rel": ["atomic_cas_release", "atomic_cas_relaxed"],
    "atomic_add_acq_rel": ["atomic_add_relaxed"],
}


@dataclass
class Mutant:
    name: str   # file:function:rule:which, and a sum of the function's text
    path: str   # relative to lib/
    line: int
    function: str
    span: tuple  # in the file's text
    old: str
    new: str

    def apply(self, lib):
        path = os.path.join(lib, self.path)
        with open(path) as f:
            text = f.read()
        start, end = self.span
        with open(path, "w") as f:
            f.write(text[:start] + self.new + text[end:])


def blank(pattern, text):
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def bare(text):
    """The text with comments, strings and directives as blanks."""
    return blank(STRING, blank(DIRECTIVE, without_comments(text)))


def closing(text, start):
    """Where the bracket at `start` is closed."""
    depth = 0
    for i in range(start, len(text)):
        depth += text[i] in "(["
        depth -= text[i] in ")]"
        if depth == 0:
            return i
    return len(text) - 1


# ----------------------------------------------------------------- rules
# Each yields (start, end, replacement) in the body of a function; None stands
# for the negation of what is there.

def calls_deleted(body):
    for m in re.finditer(r"(?:%s)((?:\(void\))?(\w+)\()" % START, body):
        end = closing(body, m.end() - 1) + 1
        if body[end:end + 1] == ";" and m.group(2) not in (
                "if", "for", "while", "switch", "return", "sizeof"):
            yield m.start(1), end, ""


def stores_deleted(body):
    for m in re.finditer(
            r"(?:%s)((?:\*?\w[\w.\[\]]*(?:->[\w.\[\]]+)*) [-+|&]?= [^;{}]*)(?=;)"
            % START, body):
        yield m.start(1), m.end(1), ""


def conditions_negated(body):
    for m in re.finditer(r"\b(?:if|while) \(", body):
        if body[:m.start()].rstrip().endswith("}") and "while" in m.group():
            continue
        start, end = m.end(), closing(body, m.end() - 1)
        # One comparison alone is negated by relations_shifted().
        if re.search(r"&&|\|\||\?", body[start:end]) or \
                not re.search(r" [!=]= ", body[start:end]):
            yield start, end, None


def relations_shifted(body):
    for m in re.finditer(r"(?<=\s)(<=|>=|==|!=|<|>)(?=\s)", body):
        yield m.start(), m.end(), RELATIONS[m.group()]


def returns_replaced(body):
    other = {"true": "false", "false": "true", "status": "IPC_OK",
             "IPC_OK": "IPC_ERR_CORRUPTED", "CLAIM_DONE": "CLAIM_DAMAGE",
             "LOOK_ENTRY": "LOOK_DAMAGE"}
    usual = {"IPC": "IPC_OK", "CLAIM": "CLAIM_DONE", "LOOK": "LOOK_NOTHING"}
    for m in re.finditer(
            r"\breturn (true|false|(?:IPC|CLAIM|LOOK)_\w+|status)(?=;)", body):
        word = m.group(1)
        yield m.start(1), m.end(1), \
            other.get(word) or usual[word.split("_")[0]]


def orders_weakened(body):
    for m in re.finditer(r"\batomic_\w+(?=\()", body):
        for weaker in WEAKER.get(m.group(), ()):
            yield m.start(), m.end(), weaker


def constants_shifted(body):
    for m in re.finditer(r"(?<![\w.])\d+(?=[^\w.])", body):
        if not re.search(r"\{\s*$", body[:m.start()]):
            yield m.start(), m.end(), str(int(m.group()) + 1)


def elses_dropped(body):
    for m in re.finditer(r"\belse\b", body):
        yield m.start(), m.end(), ""


def logic_swapped(body):
    for m in re.finditer(r"&&|\|\|", body):
        yield m.start(), m.end(), "||" if m.group() == "&&" else "&&"


def signs_swapped(body):
    for m in re.finditer(r"(?<=\s)[+-](?=\s)", body):
        yield m.start(), m.end(), "-" if m.group() == "+" else "+"


RULES = (calls_deleted, stores_deleted, conditions_negated, relations_shifted,
         returns_replaced, orders_weakened, constants_shifted, elses_dropped,
         logic_swapped, signs_swapped)


# ------------------------------------------------------------- generating

def mutants_of_function(path, text, function, start, body):
    total = zlib.crc32(re.sub(r"\s", "", body).encode())
    for rule in RULES:
        for i, (begin, end, new) in enumerate(rule(body)):
            span = (start + begin, start + end)
            old = text[span[0]:span[1]]
            if new is None:
                new = "!(" + old + ")"
            # The lines keep their numbers.
            new += "\n" * (old.count("\n") - new.count("\n"))
            yield Mutant(f"{path}:{function}:{rule.__name__}:{i}:{total:08x}",
                         path, text.count("\n", 0, span[0]) + 1, function,
                         span, old, new)


def mutants_of_file(lib, path):
    with open(os.path.join(lib, path)) as f:
        text = f.read()
    code = bare(text)
    for m in DEFINITION.finditer(code):
        yield m.group(1), list(mutants_of_function(
            path, text, m.group(1), m.start(3), m.group(3)))


def sources(lib):
    for where, directories, files in os.walk(lib):
        directories.sort()
        for name in sorted(files):
            if name.endswith((".c", ".h")):
                yield os.path.relpath(os.path.join(where, name), lib)


def wanted(path, function, names):
    base = os.path.basename(path)
    return not names or any(n in (path, base, f"{base}:{function}")
                            for n in names)


def generate(lib, per_function=0, seed=1, names=()):
    """All mutants, or a sample: the same for the same seed."""
    for path in sources(lib):
        for function, mutants in mutants_of_file(lib, path):
            if not wanted(path, function, names):
                continue
            if per_function and len(mutants) > per_function:
                chance = random.Random(f"{seed} {path} {function}")
                mutants = sorted(chance.sample(mutants, per_function),
                                 key=lambda m: m.span)
            yield from mutants


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--per-function", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    lib = os.path.join(os.path.dirname(os.path.dirname(HERE)), "lib")
    count = 0
    for m in generate(lib, args.per_function, args.seed, args.names):
        count += 1
        print(f"{m.path}:{m.line}: {m.function}: {' '.join(m.old.split())}"
              f"  ->  {' '.join(m.new.split()) or 'nothing'}")
    print(f"{count} mutants")
    return 0


if __name__ == "__main__":
    sys.exit(main())
