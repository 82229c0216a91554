# SPDX-License-Identifier: MIT
"""What the public headers say, taken apart: functions with their contracts,
types, constants and the prose at their heads."""
import dataclasses
import pathlib
import re

COMMENT = re.compile(r"/\*.*?\*/", re.S)
FUNCTION = re.compile(r"^IPC_API\s[^;{(]*?\b(\w+)\s*\(", re.M)
# What says how a function is declared, and nothing about what it is.
DECORATION = re.compile(r"\b(?:IPC_API|IPC_NODISCARD_)\b|IPC_TIME_\([^)]*\)")
RESULT = re.compile(
    r"^IPC_RESULT(_UNIT)?\((\w+), (?:([^,()]+), )?(\w+)\)", re.M)
VARIANT = re.compile(r"(?:_with_timeout|_blocking|_sized|_force)$")


@dataclasses.dataclass
class Function:
    name: str
    type: str
    arguments: list


@dataclasses.dataclass
class Contract:
    """A comment, and the functions that it holds for."""
    functions: list
    text: list  # paragraphs, see paragraphs()

    @property
    def names(self):
        return [function.name for function in self.functions]


@dataclasses.dataclass
class Header:
    name: str
    head: list  # paragraphs
    code: list  # chunks of code with their comments: types and constants
    contracts: list
    text: str


def hide_breaks(text):
    """An empty line inside of a comment ends no paragraph of the file."""
    return COMMENT.sub(lambda m: m.group().replace("\n\n", "\n *\n"), text)


def without_comments(text):
    return COMMENT.sub("", text)


def paragraphs(comment):
    """The paragraphs of a comment: lists of lines, without stars."""
    body = re.sub(r"^/\*\*?|\*/$", "", comment)
    lines = [re.sub(r"^\s*\* ?", "", line) if number else line.strip()
             for number, line in enumerate(body.split("\n"))]
    found, current = [], []
    for line in lines + [""]:
        if line.strip():
            current.append(line.rstrip())
        elif current:
            found.append(current)
            current = []
    return found


def declarations(text):
    for found in re.finditer(r"^IPC_API\s[^;{]*?;", text, re.M):
        plain = re.sub(r"\s+", " ", DECORATION.sub("", found.group()[:-1]))
        kind, name, arguments = re.match(
            r"\s*(.*?)\b(\w+)\s*\((.*)\)\s*$", plain).groups()
        yield Function(name, kind.strip(),
                       [argument.strip() for argument in arguments.split(",")])


def shown(chunk):
    """A chunk of code as it is shown: without what only compilers need; empty
    if nothing is left for a reader."""
    if not re.search(r"/\*\*|^typedef\b|^IPC_RESULT", chunk, re.M):
        return ""
    lines = []
    skipping = False
    for line in chunk.split("\n"):
        macro = re.match(r"#\s*define\s+(\w+)(\([^)]*\))?", line)
        if skipping:
            skipping = line.endswith("\\")
        elif macro and macro.group(1).endswith("_"):
            skipping = line.endswith("\\")
        elif macro and line.endswith("\\"):
            skipping = True
            lines.append(macro.group())
        elif not re.match(r"\s*#\s*(?!define)\w+|extern \"C\"|\}$"
                          r"|SHMIPC_\w+_DECLS$", line):
            lines.append(line.rstrip())
    text = "\n".join(lines).strip("\n")
    text = re.sub(r" IPC_ZERO_\b", "", text)
    text = re.sub(r"^typedef char\s+\w+_\[.*\];", "", text, flags=re.M)
    if not re.search(r"\w", without_comments(text)):
        return ""
    return text


def chunks(text):
    """What stands between empty lines, but for those inside of braces."""
    whole = ""
    for chunk in re.split(r"\n\s*\n", text):
        if 'extern "C"' in chunk:
            continue
        whole += chunk
        bare = without_comments(whole)
        if bare.count("{") <= bare.count("}"):
            yield whole
            whole = ""
        else:
            whole += "\n\n"


def parse(path):
    text = path.read_text(encoding="utf-8")
    body = re.sub(r"^/\* SPDX[^\n]*\n", "", text)
    head = re.match(r"/\*.*?\*/", body, re.S)
    header = Header(path.name, paragraphs(head.group()), [], [], text)

    for chunk in chunks(hide_breaks(body[head.end():])):
        if FUNCTION.search(without_comments(chunk)):
            comment = re.match(r"\s*(/\*\*.*?\*/)", chunk, re.S)
            header.contracts.append(Contract(
                list(declarations(without_comments(chunk))),
                paragraphs(comment.group(1)) if comment else []))
        elif shown(chunk):
            header.code.append(shown(chunk))
    return header


def root(name):
    """What functions are variants of."""
    return VARIANT.sub("", name.replace("_try_", "_"))


def families(header):
    """Contracts that belong on one page: one, and those that say "the same" and
    are of variants of its functions."""
    found = []
    for contract in header.contracts:
        first = contract.text[0][0] if contract.text else ""
        if found and first.startswith("The same") and \
                {root(name) for name in contract.names} <= \
                {root(name) for name in found[-1][0].names}:
            found[-1].append(contract)
        else:
            found.append([contract])
    return found


def results(headers):
    """Result type -> (type of its result or "", type of its error body)."""
    return {name: (kind or "", body) for header in headers
            for unit, name, kind, body in RESULT.findall(header.text)}


def structures(headers):
    """Name -> code of each structure, with its comments."""
    return {found.group(1): found.group() for header in headers
            for found in re.finditer(
                r"^typedef struct (\w+) \{\n.*?^\} \1;", header.text,
                re.M | re.S)}


def statuses(headers):
    """(name, number, paragraphs) of each status."""
    text = next(header.text for header in headers
                if header.name == "ipc_common.h")
    body = re.search(r"typedef enum IpcStatus \{(.*?)^\}", text,
                     re.M | re.S).group(1)
    return [(name, int(number), paragraphs(comment.strip()))
            for comment, name, number in re.findall(
                r"(/\*\*(?:(?!\*/).)*\*/)\s*(IPC_\w+) = (-?\d+)", body, re.S)]


def read(paths):
    return [parse(pathlib.Path(path)) for path in paths]
