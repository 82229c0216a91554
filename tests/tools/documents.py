#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The man page and the completions name the commands and options that there
are, no more and no fewer.

    documents.py SHMIPC TOOLS_DIRECTORY [TEST]...

What there is, `shmipc --help` and `shmipc COMMAND --help` say, which is made
from the tables that options are read by.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from tool import OK, PATIENCE, SHMIPC, ToolTest, run, segment

TOOLS = pathlib.Path(sys.argv[2])
COMMAND = re.compile(r"^  (\w+) +\w", re.M)
OPTION = re.compile(r"^  (?:-(\w), |    )--([\w-]+)(=?)", re.M)
EXIT = re.compile(r"^  (\d+)  ", re.M)


class Command:
    """What one command says of itself: long options, with "=" if they take a
    value; short ones; exit codes but 2, which all have."""

    def __init__(self, name):
        text = run(name, "--help").stdout.decode()
        text, codes = text.split("\nexit code:\n")
        options = OPTION.findall(text.split("\noptions:\n")[1])
        self.name = name
        self.long = {name + value for _, name, value in options}
        self.short = {short for short, _, _ in options if short}
        self.codes = set(EXIT.findall(codes)) - {"2"}


def commands():
    names = COMMAND.findall(run("--help").stdout.decode())
    return [Command(name) for name in names]


class ManPage(ToolTest):
    PAGE = TOOLS / "shmipc.1"

    def sections(self):
        """The text on each command."""
        text = re.sub(r'^\.\\".*\n', "", self.PAGE.read_text(), flags=re.M)
        found = re.findall(r"^\.Ss shmipc (\w+)(.*?)(?=^\.S[sh] )", text,
                           re.M | re.S)
        return dict(found)

    def test_it_has_all_commands(self):
        self.assertEqual(set(self.sections()), {c.name for c in commands()})

    def test_it_has_all_options(self):
        for command in commands():
            with self.subTest(command=command.name):
                items = re.findall(r"^\.It (Fl .*)",
                                   self.sections()[command.name], re.M)
                long = {"".join(match) for item in items for match in
                        re.findall(r"Fl -([\w-]+)(?: Ns (=))?", item)}
                short = {letter for item in items for letter in
                         re.findall(r"Fl (\w)\b", item)}
                self.assertEqual(long, command.long - {"help"})
                self.assertEqual(short, command.short - {"h"})

    def test_it_has_all_exit_codes(self):
        for command in commands():
            with self.subTest(command=command.name):
                text = self.sections()[command.name]
                codes = re.findall(r"\b(\d),\s",
                                   text.split("\nExit code: ")[1])
                self.assertEqual(set(codes), command.codes)
                self.assertEqual(len(codes), len(command.codes))

    def test_its_dates_and_macros_are_right(self):
        if shutil.which("mandoc"):
            # Which other pages there are here is not the page's business.
            done = subprocess.run(
                ["mandoc", "-T", "lint", "-W", "warning", self.PAGE],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            self.assertEqual(done.stdout.decode(), "")
        elif shutil.which("groff"):
            done = subprocess.run(
                ["groff", "-mdoc", "-Tutf8", "-ww", "-z", self.PAGE],
                stderr=subprocess.PIPE, check=False)
            self.assertEqual(done.stderr.decode(), "")
        else:
            self.skipTest("neither mandoc nor groff is installed")


class Completion(ToolTest):
    """Each shell is asked, where it is installed."""

    def setUp(self):
        super().setUp()
        self.path = tempfile.TemporaryDirectory()
        self.addCleanup(self.path.cleanup)
        os.symlink(os.path.abspath(SHMIPC), self.path.name + "/shmipc")

    def ask(self, shell, script, *arguments):
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not installed")
        done = subprocess.run(
            [shell, "-c", script, *arguments], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, timeout=PATIENCE, check=False,
            env={**os.environ, "HOME": self.path.name,
                 "PATH": f"{self.path.name}:{os.environ['PATH']}"})
        self.assertEqual(done.stderr, b"")
        return [line.rstrip() for line in done.stdout.decode().splitlines()]

    def bash(self, *words):
        """bash takes "=" for a word of its own."""
        words = [part for word in words
                 for part in re.split("(=)", word) if part or not word]
        return self.ask(
            "bash", 'source "$1"; shift; COMP_WORDS=("$@"); '
            'COMP_CWORD=$(($# - 1)); compopt() { :; }; _shmipc; '
            'printf "%s\\n" "${COMPREPLY[@]}"',
            "bash", TOOLS / "completion/shmipc.bash", "shmipc", *words)

    def fish(self, *words):
        return self.ask(
            "fish", f"source {TOOLS}/completion/shmipc.fish; "
            "complete -C 'shmipc " + " ".join(words) + "'")

    def test_bash_knows_all_commands_and_options(self):
        self.assertEqual(set(self.bash("")) - {"--help", "--version"},
                         {c.name for c in commands()})
        for command in commands():
            with self.subTest(command=command.name):
                options = self.bash(command.name, "--")
                self.assertEqual({o[2:] for o in options}, command.long)

    def test_bash_knows_values_and_names(self):
        self.check(run("create", self.name), OK)
        forms = ["lines", "length", "whole", "bytes"]
        self.assertEqual(self.bash("send", "--framing="), forms)
        self.assertEqual(self.bash("recv", "--framing", ""), [*forms, "json"])
        self.assertEqual(self.bash("send", "-f", "b"), ["bytes"])
        self.assertEqual(self.bash("recv", "--framing=b"), ["bytes"])
        self.assertEqual(self.bash("stat", self.name[:-1]), [self.name])
        self.assertEqual(self.bash("stat", self.name[1:]), [self.name[1:]])
        self.assertEqual(self.bash("send", "--drop", self.name), [self.name])
        for words in ("send", "--count", ""), ("send", "--count=", ""):
            with self.subTest(words=words):
                self.assertNotIn(self.name, self.bash(*words[:2], ""))

    def test_names_that_others_chose_are_no_commands(self):
        name = self.name + '"$(touch x)`touch x`; touch x'
        self.addCleanup(segment(name).unlink, missing_ok=True)
        self.check(run("create", name), OK)
        with self.subTest(shell="fish"):
            # It quotes what it puts into the line.
            self.assertEqual(self.fish("stat", self.name[:-1]), [name])
        with self.subTest(shell="bash"):
            completed, = self.bash("stat", self.name[:-1])
            # As a shell takes it that reads the line.
            done = subprocess.run(
                ["bash", "-c", f"printf %s {completed}"], check=True,
                stdout=subprocess.PIPE, cwd=self.path.name)
            self.assertEqual(done.stdout.decode(), name)
        self.assertFalse(os.path.exists("x"))
        self.assertFalse(os.path.exists(self.path.name + "/x"))

    def test_fish_knows_all_commands_and_options(self):
        self.assertEqual({line.split("\t")[0] for line in self.fish("")},
                         {c.name for c in commands()})
        for command in commands():
            with self.subTest(command=command.name):
                lines = self.fish(command.name, "--")
                options = {line.split("\t")[0][2:] for line in lines}
                self.assertEqual({o.rstrip("=") for o in options},
                                 {o.rstrip("=") for o in command.long})

    def test_fish_knows_values_and_names(self):
        self.check(run("create", self.name), OK)
        lines = self.fish("recv", "--framing=")
        self.assertEqual({line.split("\t")[0] for line in lines},
                         {"--framing=" + form for form in
                          ("lines", "length", "whole", "bytes", "json")})
        self.assertIn(self.name, self.fish("stat", "/"))
        self.assertIn(self.name[1:], self.fish("stat", ""))

    def test_zsh_knows_all_commands_and_options(self):
        """By its text: what it would offer it tells terminals alone."""
        text = (TOOLS / "completion/_shmipc").read_text()
        # Lists of options that several commands use.
        shared = dict(re.findall(r"^  local -a (\w+)=\((.*?)\)$", text,
                                 re.M | re.S))
        listed = set(re.findall(r"^    '(\w+):", shared.pop("commands"), re.M))
        self.assertEqual(listed, {c.name for c in commands()})
        for command in commands():
            with self.subTest(command=command.name):
                block = re.search(rf"^  {command.name}\)\n(.*?);;", text,
                                  re.M | re.S).group(1)
                block = re.sub(r"\$(\w+)", lambda m: shared[m[1]], block)
                long = set(re.findall(r"[',{]--([\w-]+=?)(?=[}\[])", block))
                self.assertEqual(long, command.long)
                short = set(re.findall(r"\{-(\w),", block))
                self.assertEqual(short, command.short)

    def test_zsh_can_read_it(self):
        self.ask("zsh", f"zsh -n {TOOLS}/completion/_shmipc")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
