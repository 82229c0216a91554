#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every number that a text names is the one in the code.

    check_numbers.py SOURCE_ROOT

Texts here are the comments of lib/ and include/, and the documents (those of
docs/benchmarks/ are made by a script and left out). A rule is a sentence with a
# (not ##) for each number, and for each what it has to be, reckoned from the
constants of the code. An exemption is a pattern of numbers that no constant stands
behind, and says why. A number that neither a rule nor an exemption covers is an
error, and so is a rule or an exemption that no text needs any more: a new
sentence with a number needs a rule.
"""
import ast
import pathlib
import re
import sys

sys.dont_write_bytecode = True
import c_text  # noqa: E402
from number_rules import ANY, EXEMPTIONS, FACTS, RULES  # noqa: E402

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "NEWS.md", "SECURITY.md",
             "docs/abi.md", "docs/design.md", "docs/architecture.md",
             "docs/crashes.md", "docs/glossary.md", "docs/guide.md", "docs/migration.md",
             "docs/patterns.md",
             "lib/README.md", "lib/*/README.md")
SOURCES = ("lib/**/*.[ch]", "include/shmipc/*.h", "include/shmipc/*.hpp",
           "include/shmipc/cpp/*.hpp")

WORDS = {word: number for number, word in enumerate(
    "zero one two three four five six seven eight nine ten eleven twelve "
    "thirteen fourteen fifteen sixteen".split())}
# As in "every millisecond": in ns.
WORDS["millisecond"] = 10**6
DIGITS = re.compile(r"(?<![\w.])\d+(?:\.\d+)*")
NUMBER = (r"(?<![\w.])(\d+(?:\^\d+(?:\s+-\s+1)?)?(?:\.\d+)*|(?i:%s))"
          r"(?![\d^])" % "|".join(sorted(WORDS, key=len, reverse=True)))

errors = []


def report(text):
    errors.append(text)
    print(text)


# ---------------------------------------------------------------- constants

def c_value(expression, known):
    """The value of an integer expression in C, or None."""
    text = re.sub(r"\bU?INT(?:8|16|32|64)_C\(", "(", expression)
    text = re.sub(r"\(u?int\d+_t\)", "", text)
    text = re.sub(r"\b(0[xX][\da-fA-F]+|\d+)[uUlL]*\b", r"\1", text)
    text = text.replace("/", "//")
    try:
        return eval(compile(ast.parse(text.strip(), mode="eval"), "", "eval"),
                    {"__builtins__": {}}, known)
    except (NameError, SyntaxError, TypeError, ValueError):
        return None


def constants_of(text, known):
    """(name, value) of each constant that a C text defines."""
    text = re.sub(r"\\\n", " ", c_text.without_comments(text))
    for found in re.finditer(
            r"^#define[ ]+(\w+)[ ]+([^\n]+)|\benum\b[^{};()]*\{([^}]*)\}",
            text, re.M):
        pairs = [found.group(1, 2)]
        if found.group(3) is not None:
            pairs = [item.split("=", 1) for item in found.group(3).split(",")
                     if "=" in item]
        for name, expression in pairs:
            value = c_value(expression, known)
            if isinstance(value, int):
                known[name.strip()] = value
                yield name.strip(), value
    for kind, of, value in re.findall(
            r"_Static_assert\((sizeof|offsetof)\(struct ([\w, ]+)\) == (\d+)",
            text):
        kind = "size" if kind == "sizeof" else "offset"
        yield kind + "_" + re.sub(r"\W+", "_", of), int(value)


def read_constants(root):
    """Name -> value. A name with two values is left out: which one is meant?"""
    values, twice = {}, set()

    def sources():
        found = [path for pattern in SOURCES for path in root.glob(pattern)]
        # Headers define what sources reckon with.
        return sorted(found, key=lambda path: (path.suffix != ".h", path))

    for path in sources():
        for name, value in constants_of(path.read_text(), dict(values)):
            if values.setdefault(name, value) != value:
                twice.add(name)
    for name, path, pattern in FACTS:
        found = re.search(pattern, (root / path).read_text())
        if not found:
            report(f"{path}: nothing looks like {pattern} any more")
        values[name] = found and (int(found.group(1))
                                  if found.group(1).isdigit()
                                  else found.group(1))
    return {name: values[name] for name in values if name not in twice}


def reckoning(root, known):
    """The constants, and what rules reckon with besides."""
    def up(value):
        return -(-value // known["SHMIPC_ALIGN"]) * known["SHMIPC_ALIGN"]

    def owners_of(blocks):
        few = min(known["SHMIPC_OWNERS_FEW"],
                  blocks // known["SHMIPC_BLOCKS_PER_FEW"])
        return max(known["SHMIPC_OWNERS_MIN"], few,
                   min(known["SHMIPC_OWNERS_DEFAULT_MAX"],
                       blocks // known["SHMIPC_BLOCKS_PER_OWNER"]))

    # As shape_of() in format.c.
    def region_size(blocks):
        control = up(known["offset_shm_region_owners"] +
                     owners_of(blocks) * known["size_shm_owner"])
        return up(control + 8 * blocks) + blocks * known["SHMIPC_BLOCK"]

    def blocks_in(room):
        blocks = room // known["SHMIPC_BLOCK"]
        while region_size(blocks) > room:
            blocks -= 1
        return blocks

    def all_owners_from():
        """The KiB from which on there are all owners, at any address."""
        kib = 1
        while owners_of(blocks_in(kib * 1024 - known["SHMIPC_ALIGN"] + 1)) < \
                known["SHMIPC_OWNERS_DEFAULT_MAX"]:
            kib += 1
        return kib

    def payload_percent(room):
        # At the worst address.
        room_there = room - known["SHMIPC_ALIGN"] + 1
        return 100 * blocks_in(room_there) * known["SHMIPC_BLOCK"] / room

    def laps_take(blocks):
        """Seconds until a tag comes again, at 20 million blocks a second."""
        return (1 << 64 - known["TAG_SHIFT"]) * blocks / 20e6

    def lines_of_example():
        """Lines of its main() that are more than a brace."""
        text = (root / "README.md").read_text()
        body = re.search(r"main\(void\)\n\{\n(.*?)^\}", text, re.S | re.M)
        return sum(bool(re.search(r"\w", line))
                   for line in body.group(1).split("\n"))

    def longest_file():
        return max(path.read_text().count("\n")
                   for path in root.glob("lib/**/*.[ch]"))

    return dict(
        known, owners_of=owners_of, region_size=region_size,
        blocks_in=blocks_in, all_owners_from=all_owners_from,
        payload_percent=payload_percent, lines_of_example=lines_of_example,
        laps_take=laps_take,
        longest_file=longest_file, bits=int.bit_length, int=int, round=round,
        CONTROL_WORD=8,
        POSITION_BITS=known["SHMIPC_HEAD_ITEM"].bit_length() - 1,
        US=1000, MS=10**6, SECOND=10**9, YEAR_NS=10**9 * 3600 * 24 * 365.25,
        MIB=1 << 20, GIB=1 << 30)


# -------------------------------------------------------------------- texts

def prose_of(path):
    """The text of a file, what is no prose as blanks, so that lines stay."""
    text = path.read_text()
    if path.suffix == ".md":
        return text
    prose = list(re.sub(r"[^\n]", " ", text))
    for found in c_text.COMMENT.finditer(text):
        start, end = found.start() + 2, found.end() - 2
        prose[start:end] = re.sub(r"(?m)^(\s*)\*", r"\1 ", text[start:end])
    return "".join(prose)


def value_of(number):
    """What a text means by a number; a version stays text."""
    if number.lower() in WORDS:
        return WORDS[number.lower()]
    if number.count(".") > 1:
        return number
    power = re.fullmatch(r"(\d+)\^(\d+)(\s+-\s+1)?", number)
    if power:
        return int(power[1]) ** int(power[2]) - bool(power[3])
    return float(number) if "." in number else int(number)


class Texts:
    def __init__(self, root):
        self.prose = {}
        self.covered = {}
        for pattern in SOURCES + DOCUMENTS:
            for path in sorted(root.glob(pattern)):
                name = str(path.relative_to(root))
                self.prose[name] = prose_of(path)
                self.covered[name] = []

    def find(self, where, pattern):
        for name in self.prose if where == ANY else [where]:
            for found in re.finditer(pattern, self.prose.get(name, ""), re.S):
                yield name, found

    def at(self, name, offset):
        return f"{name}:{self.prose[name].count(chr(10), 0, offset) + 1}"

    def cover(self, name, span):
        self.covered[name].append(span)

    def is_covered(self, name, found):
        return any(start <= found.start() and found.end() <= end
                   for start, end in self.covered[name])


def pattern_of(sentence):
    parts = [r"\s+".join(re.escape(word) for word in part.split(" "))
             for part in re.split(r"(?<!#)#(?!#)", sentence)]
    return NUMBER.join(parts)


def check_rule(texts, where, sentence, expressions, names):
    needed = False
    for name, found in texts.find(where, pattern_of(sentence)):
        needed = True
        for group, expression in enumerate(expressions, 1):
            said = found.group(group)
            meant = eval(expression, {"__builtins__": {}}, names)
            equal = value_of(said) == meant or said == str(meant)
            texts.cover(name, found.span(group))
            if not equal:
                report(f"{texts.at(name, found.start(group))}: \"{said}\" in "
                       f"\"{sentence}\", but {expression} is {meant}")
    if not needed:
        report(f"{where}: no text says \"{sentence}\" any more: "
               "change the rule with it")


def main():
    root = pathlib.Path(sys.argv[1])
    names = reckoning(root, read_constants(root))
    texts = Texts(root)
    count = 0

    for where, sentence, *expressions in RULES:
        check_rule(texts, where, sentence, expressions, names)
    for where, pattern in EXEMPTIONS:
        exempt = list(texts.find(where, pattern))
        for name, found in exempt:
            texts.cover(name, found.span())
        if not exempt:
            report(f"{where}: no text needs the exemption {pattern}")
    for name, prose in texts.prose.items():
        for found in DIGITS.finditer(prose):
            count += 1
            if not texts.is_covered(name, found):
                line = prose[prose.rfind("\n", 0, found.start()) + 1:]
                report(f"{texts.at(name, found.start())}: no rule for "
                       f"{found.group()} in \"{line.split(chr(10))[0].strip()}"
                       "\"")
    print(f"{count} numbers in {len(texts.prose)} files, {len(RULES)} rules, "
          f"{len(EXEMPTIONS)} exemptions, {len(errors)} errors")
    return bool(errors)


if __name__ == "__main__":
    sys.exit(main())
