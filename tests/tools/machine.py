#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What doctor says of a machine that lacks something.

    machine.py TOOL ACTOR
"""
import ctypes
import json
import os
import pathlib
import platform
import resource
import shutil
import struct
import subprocess
import tempfile

from harness import FAILED, FOUND, LIMIT, OK, TOOL, Skip, codes, run, tool

# Numbers of membarrier and io_uring_setup.
SYSTEM_CALLS = {"x86_64": (324, 425), "aarch64": (283, 425),
                "riscv64": (283, 425), "s390x": (356, 425)}
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
# What a filter answers, and the classic BPF that it is written in.
ALLOW, ERRNO = 0x7fff0000, 0x00050000
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
NO_FILTER = 99  # how a child ends that cannot have one


def forbid(number, error):
    """For preexec_fn: that system call fails from now on."""
    words = [(LOAD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, number),
             (RETURN, 0, 0, ERRNO | error), (RETURN, 0, 0, ALLOW)]
    code = b"".join(struct.pack("=HBBI", *word) for word in words)
    libc = ctypes.CDLL(None, use_errno=True)

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_char_p)]

    program = Program(len(words), code)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or \
            libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER,
                       ctypes.byref(program), 0, 0) != 0:
        os._exit(NO_FILTER)


def doctor(*arguments, **options):
    """What it finds on this machine: by code."""
    done = tool("doctor", "--json", *arguments, **options)
    if done.returncode == NO_FILTER:
        raise Skip("no system call can be forbidden here")
    assert done.returncode in (OK, FOUND, FAILED), done
    return {f["code"]: f for f in json.loads(done.stdout)["machine"]}


def doctor_in(*wrapper):
    """The same, started by another program."""
    done = subprocess.run([*wrapper, TOOL, "doctor", "--json"],
                          capture_output=True, timeout=LIMIT, check=False)
    if done.returncode not in (OK, FOUND):
        raise Skip(f"{wrapper[0]}: {done.stderr.decode().strip()}")
    return {f["code"]: f for f in json.loads(done.stdout)["machine"]}


def system_calls_that_are_forbidden():
    """doctor says that membarrier or io_uring are forbidden, and what that
    means"""
    if platform.machine() not in SYSTEM_CALLS:
        raise Skip("the numbers of system calls are not known here")
    membarrier, io_uring = SYSTEM_CALLS[platform.machine()]
    found = doctor(preexec_fn=lambda: forbid(membarrier, 1))
    assert "Operation not permitted" in found["no-membarrier"]["text"], found
    assert found["no-membarrier"]["weight"] == "warning"
    assert "seccomp" in found["no-membarrier"]["advice"]
    for error, text in (1, "forbidden"), (38, "not in this kernel"):
        found = doctor(preexec_fn=lambda e=error: forbid(io_uring, e))
        assert f"io_uring is {text}" in found["no-io-uring"]["text"], found
        assert found["no-io-uring"]["advice"]


def namespaces():
    """doctor says that it is in a pid namespace of its own, and whether /proc
    is that of another"""
    if not shutil.which("unshare"):
        raise Skip("there is no unshare")
    found = doctor_in("unshare", "--pid", "--fork", "--mount-proc")
    assert "cannot judge them by their pids" in found["pid-namespace"]["text"]
    assert found["pid-namespace"]["weight"] == "note"
    assert "no-proc" not in found
    found = doctor_in("unshare", "--pid", "--fork")
    assert "another pid namespace" in found["no-proc"]["text"], found
    assert found["no-proc"]["weight"] == "warning"


def limits():
    """doctor says that files can only be small"""
    size = 1 << 20
    found = doctor(preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (size, size)))
    assert "1 MiB only" in found["fsize"]["text"], found
    done = tool("create", "--size=2M", "/shmipc-too-large",
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                      (size, size)))
    assert done.returncode == FAILED and "File too large" in done.stderr
    assert "refused with EFBIG" in found["fsize"]["text"]
    assert "fsize" not in doctor()


def places_for_segments():
    """doctor says what is wrong with the place for segments"""
    done = tool("doctor", "--dir", "/nowhere", "--json")
    assert done.returncode == FAILED
    assert codes(json.loads(done.stdout)["machine"]) >= {"no-shm"}
    with tempfile.TemporaryDirectory() as directory:
        if os.system(f"mount -t tmpfs -o size=128m,nr_inodes=100 tmpfs "
                     f"{directory} 2>/dev/null") != 0:
            raise Skip("nothing can be mounted here")
        try:
            found = doctor("--dir", directory)
            assert not {c for c in found if c.startswith("shm-")}, found
            for number in range(96):
                (pathlib.Path(directory) / str(number)).touch()
            assert "shm-no-inodes" in doctor("--dir", directory)
            os.system(f"mount -o remount,ro {directory}")
            found = doctor("--dir", directory)
            assert "shm-read-only" in found and "shm-forbidden" not in found
        finally:
            os.system(f"umount {directory}")


def another_users_place():
    """doctor says that this user may not make segments, and how much he may
    lock"""
    with tempfile.TemporaryDirectory() as directory:
        copy = shutil.copy(TOOL, directory)
        os.chmod(directory, 0o555)
        options = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
        found = doctor("--dir", directory, executable=copy,
                       preexec_fn=lambda: resource.setrlimit(
                           resource.RLIMIT_MEMLOCK, (65536, 65536)), **options)
        os.chmod(directory, 0o755)
    assert "may not create files" in found["shm-forbidden"]["text"], found
    assert "64 KiB of memory only" in found["memlock"]["text"], found


if __name__ == "__main__":
    run(system_calls_that_are_forbidden, namespaces, limits,
        places_for_segments, another_users_place)
