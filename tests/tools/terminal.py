#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tool in a terminal and in pipes, its help and its exit codes.

    terminal.py TOOL ACTOR
"""
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from harness import (FAILED, FOUND, LIMIT, NO_SUCH, OK, TOOL, USAGE, Actor,
                     new_name, run, tool, wait_until)

ESCAPE = "\033"
BAR = re.compile(r"\[[^]]*[#.]")


class Terminal:
    """The tool in a pseudo-terminal."""

    def __init__(self, *arguments, env=None):
        self.text = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            where = dict(os.environ, TERM="xterm")
            where.pop("NO_COLOR", None)
            where.update(env or {})
            os.execve(TOOL, [TOOL, *arguments], where)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 40, 100, 0, 0))

    def read(self, until=None):
        """Reads until a pattern was seen so often, or the end."""
        end = time.monotonic() + LIMIT
        while not until or not until():
            assert time.monotonic() < end, repr(self.text[-2000:])
            if not select.select([self.fd], [], [], 1)[0]:
                continue
            try:
                got = os.read(self.fd, 65536)
            except OSError:  # how a terminal says that it is over
                break
            if not got:
                break
            self.text += got.decode()

    def end(self):
        self.read()
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def watch_refreshes():
    """stat --watch in a terminal draws over itself until it is interrupted"""
    name = new_name()
    actor = Actor(name).does("write 100")
    terminal = Terminal("stat", "--watch", "--interval=0.05", name)
    terminal.read(lambda: terminal.text.count("\033[H") >= 3)
    actor.does("write 20000", "write 20000")
    terminal.read(lambda: "3 written" in terminal.text)
    os.kill(terminal.pid, signal.SIGINT)
    assert terminal.end() == OK
    assert terminal.text.startswith("\033[?25l\033[2J\033[H")
    assert terminal.text.endswith("\033[?25h"), "the cursor is back"
    # One look clears the screen; later ones the rest of each line.
    assert terminal.text.count("\033[2J") == 1
    assert "\033[K\r\n" in terminal.text and "\033[J" in terminal.text
    assert BAR.search(terminal.text)


def watch_follows_the_name():
    """stat --watch follows the name to a channel that is made anew, and says
    when it has gone"""
    name = new_name()
    actor = Actor(name).does("write 100")
    terminal = Terminal("stat", "--watch", "--interval=0.05", name)
    terminal.read(lambda: "1 written" in terminal.text)
    tool("rm", "--force", name)
    code = terminal.end()
    assert code == NO_SUCH and "no segment of that name" in terminal.text
    assert "\033[?25h" in terminal.text
    actor.leave()


def watch_in_a_pipe():
    """stat --watch in a pipe is plain, and ends after --count looks"""
    name = new_name()
    Actor(name).does("write 100")
    done = tool("stat", "--watch", "-i", "0.01", "--count", "3", name)
    assert done.returncode == OK and ESCAPE not in done.stdout
    assert done.stdout.count("ring of 64 KiB") == 3
    done = tool("stat", "--watch", "-i", "0.01", "--count=3", "--json", name)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 3 and lines[0]["rates"] is None
    assert lines[2]["rates"]["seconds"] > 0


def colour_for_terminals():
    """colour is for terminals that want it"""
    name = new_name()
    Actor(name).does("reserve 100").stop()
    for command in (["ls"], ["stat", name], ["doctor"], ["dump", name]):
        coloured = Terminal(*command)
        coloured.end()
        assert "\033[1" in coloured.text, (command, coloured.text)
        for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            plain = Terminal(*command, env=env)
            plain.end()
            assert ESCAPE not in plain.text, (command, env)
        assert ESCAPE not in tool(*command).stdout
    as_json = Terminal("stat", "--json", name)
    as_json.end()
    assert ESCAPE not in as_json.text
    json.loads(as_json.text)


def commands():
    names = re.findall(r"^  ([a-z]+)  ", tool("--help").stdout, re.M)
    assert {"ls", "stat", "doctor", "recover", "rm", "prune",
            "dump"} <= set(names)
    return names


def everything_helps():
    """each command helps, in 80 columns"""
    assert tool("help").stdout == tool("--help").stdout == tool("-h").stdout
    for name in commands():
        done = tool(name, "--help")
        assert done.returncode == OK and done.stderr == ""
        assert done.stdout.startswith(f"usage: shmipc {name} [OPTION]...")
        assert "-h, --help" in done.stdout and "exit code:\n" in done.stdout
        codes = re.findall(r"^  (\d)  ", done.stdout.split("exit code:")[1],
                           re.M)
        assert codes == sorted(codes) and "2" in codes, codes
        for line in done.stdout.splitlines():
            assert len(line) <= 80 and line == line.rstrip(), line
        assert tool(name, "-h").stdout == done.stdout


def wrong_lines_are_refused():
    """a wrong command line is exit code 2 and a hint, and does nothing"""
    assert tool().returncode == USAGE
    done = tool("sing")
    assert done.returncode == USAGE and 'no command "sing"' in done.stderr
    for name in commands():
        for wrong in (["--no-such"], ["-~"], ["--help=1"]):
            done = tool(name, *wrong)
            assert done.returncode == USAGE, (name, wrong)
            assert f"see `shmipc {name} --help`" in done.stderr
            assert done.stdout == ""
    for wrong in (["stat"], ["stat", "a", "b"], ["dump"], ["recover"], ["rm"],
                  ["ls", "a"], ["doctor", "a"], ["ls", "--dir"],
                  ["stat", "-i", "soon", "a"], ["stat", "-i", "-1", "a"],
                  ["stat", "--count=x", "a"], ["stat", "--count=", "a"],
                  ["dump", "-n", "1x", "a"], ["dump", "-s", "5Q", "a"],
                  ["dump", "-n", "99999999999999999999", "a"],
                  ["create", "--size=0", "a"], ["create", "--owners=0", "a"],
                  ["create", "--mode=999", "a"], ["send", "--size=0", "a"],
                  ["recv", "--size=0", "a"], ["perf", "--rounds=0"]):
        done = tool(*wrong)
        assert done.returncode == USAGE, (wrong, done)
        assert "--help" in done.stderr and done.stdout == ""
    done = tool("create", "-s", "many", "a")
    assert '"many" is no SIZE for --size' in done.stderr


def long_options_are_short():
    """options may come after operands, and be shortened"""
    name = new_name()
    Actor(name)
    assert json.loads(tool("stat", name, "--js", "-i0").stdout)["name"]
    assert tool("stat", "-ji0", "--", name).returncode == OK


def version():
    """--version says which one it is"""
    assert re.fullmatch(r"shmipc \d+\.\d+\.\d+\n", tool("--version").stdout)


def full_disks_are_told():
    """what cannot be written is an error"""
    name = new_name()
    Actor(name)
    for arguments in (["ls"], ["stat", name], ["doctor"], ["dump", name],
                      ["--help"], ["ls", "--help"], ["--version"]):
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([TOOL, *arguments], stdout=full,
                                  stderr=subprocess.PIPE, timeout=LIMIT,
                                  check=False)
        assert done.returncode == FAILED, (arguments, done)
        assert b"No space left" in done.stderr


def readers_may_go():
    """a reader that has seen enough ends it, without a message"""
    name = new_name()
    Actor(name)
    with subprocess.Popen([TOOL, "stat", "-w", "-i", "0.01", name],
                          stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        wait_until(lambda: process.poll() is not None, "it ends")
        assert process.returncode == -signal.SIGPIPE
        assert process.stderr.read() == b""


def watch_tells_what_is_wrong():
    """stat --watch ends with the code of its last look"""
    name = new_name()
    Actor(name).does("reserve 100").stop()
    done = tool("stat", "-w", "-i", "0.2", "--count", "2", name)
    assert done.returncode == FOUND and "which is stopped" in done.stdout


if __name__ == "__main__":
    run(watch_refreshes, watch_follows_the_name, watch_in_a_pipe,
        watch_tells_what_is_wrong, colour_for_terminals, everything_helps,
        wrong_lines_are_refused, long_options_are_short, version,
        full_disks_are_told, readers_may_go)
