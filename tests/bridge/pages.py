#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The man page of shmipc-bridge has the options and exit codes that there are.

    pages.py SHMIPC_BRIDGE SHMIPC FLOW MAN_PAGE
"""
import pathlib
import re
import shutil
import subprocess
import sys

from bridges import BRIDGE, LIMIT, Skip, run

PAGE = pathlib.Path(sys.argv[4])
COMMANDS = "out", "in", "run", "keygen"


def help_of(command):
    done = subprocess.run([BRIDGE, command, "--help"], capture_output=True,
                          text=True, timeout=LIMIT, check=True)
    return done.stdout


def section(command):
    text = re.sub(r'^\.\\".*\n', "", PAGE.read_text(), flags=re.M)
    return re.search(rf"^\.Ss shmipc bridge {command}(.*?)(?=^\.S[sh] )", text,
                     re.M | re.S)[1]


def options_are_described():
    """all options of all commands, and no others, are in the man page"""
    for command in COMMANDS:
        told = {name + value for name, value in re.findall(
            r"^  (?:-\w, |    )--([\w-]+)(=?)", help_of(command), re.M)}
        found = {name + value for name, value in re.findall(
            r"^\.It Fl (?:\w , Fl )?-([\w-]+)(?: Ns (=))?", section(command),
            re.M)}
        assert found == told - {"help"}, (command, found ^ told)


def exit_codes_are_described():
    """so are all exit codes"""
    for command in COMMANDS:
        told = set(re.findall(r"^  (\d)  ", help_of(command), re.M)) - {"2"}
        found = set(re.findall(r"\b(\d), ",
                               section(command).split("Exit code: ")[1]))
        assert found == told, (command, found, told)


def the_page_is_sound():
    """the man page has no mistakes that its reader finds"""
    if not shutil.which("mandoc"):
        raise Skip("there is no mandoc")
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", PAGE],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True, timeout=LIMIT, check=False)
    assert done.stdout == "", done.stdout


if __name__ == "__main__":
    run(options_are_described, exit_codes_are_described, the_page_is_sound)
