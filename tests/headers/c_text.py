# SPDX-License-Identifier: MIT
"""What the checks here need to know about C text: comments and functions."""
import re

COMMENT = re.compile(r"/\*.*?\*/", re.S)
# A definition at the left margin, as the house style has it: the name, its
# arguments, and a brace on a line of its own.
DEFINITION = re.compile(
    r"^(?!\s|#|typedef\b)[^;{}()=]*?\b(\w+)"
    r"\(([^;{}]*?)\)\s*\n\{\n(.*?)^\}", re.S | re.M)


def without_comments(text):
    """The text with comments as blanks, lines kept."""
    return COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def comments(text):
    """(line, prose) of each comment, stars and line breaks removed."""
    for found in COMMENT.finditer(text):
        body = found.group()[2:-2]
        prose = re.sub(r"\s*\n\s*\*?\s*", " ", body)
        yield text.count("\n", 0, found.start()) + 1, prose.strip(" *")


def functions(text):
    """Name -> body of every function that is defined in the text."""
    return {found.group(1): found.group(3)
            for found in DEFINITION.finditer(without_comments(text))}
