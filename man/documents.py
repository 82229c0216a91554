#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Copies documents to where they are installed, with links that lead there.

    documents.py ROOT OUTPUT_DIR VERSION EXAMPLES DOCUMENT...

DOCUMENTs are below ROOT, and come to the same place below OUTPUT_DIR. That is
PREFIX/share/doc/NAME when it is installed; beside them lie examples/, if
EXAMPLES is "true", and headers are in PREFIX/include. What is not installed is
linked to where the project shows it.
"""
import os
import pathlib
import re
import shutil
import sys

LINK = re.compile(r"(\]\()((?!https?:|#)[^)#]*)([)#])")
ELSEWHERE = "https://github.com/libshmipc/libshmipc/{}/v{}/{}"


def main(root, output, version, examples, *names):
    root, output = pathlib.Path(root).resolve(), pathlib.Path(output)
    documents = {pathlib.Path(os.path.relpath(
        pathlib.Path(name).resolve(), root)) for name in names}
    for folder in {d.parts[0] for d in documents if len(d.parts) > 1}:
        shutil.rmtree(output / folder, ignore_errors=True)

    for document in documents:
        def moved(found, document=document):
            target = pathlib.Path(os.path.normpath(
                document.parent / found.group(2)))
            up = "../" * len(document.parent.parts)
            if target in documents or \
                    (target.parts[0] == "examples" and examples == "true"):
                link = found.group(2)
            elif target.parts[0] == "include":
                # From share/doc/NAME up to the prefix.
                link = f"{up}../../../{target}"
            else:
                kind = "tree" if (root / target).is_dir() else "blob"
                link = ELSEWHERE.format(kind, version, target)
            return found.group(1) + link + found.group(3)

        path = output / document
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(LINK.sub(moved, (root / document).read_text(
            encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
