#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""recover, rm and prune: what they remove, and what they never do.

    repairs.py TOOL ACTOR [MEDDLE]
"""
import fcntl
import glob
import os
import random
import shutil
import struct
import subprocess
import sys
import threading
import time

from harness import (ACTOR, FAILED, FOUND, LIMIT, NO_SUCH, OK, PREFIX, REFUSED,
                     SHM, TOOL, Actor, Skip, new_name, path_of,
                     reserving_in_a_container, run, text_of, tool, tool_json)

READY = 56
MINE = PREFIX + "*"


def leftover(*orders):
    """A segment that a dead process left."""
    name = new_name()
    Actor(name).does("write 100", *orders).kill()
    return name


def pruned(name, *arguments):
    """Whether prune would remove it, or does; what is said agrees."""
    found = {s["name"]: s["outcome"]
             for s in tool_json("prune", MINE, *arguments)}
    outcome = found.get("/" + name)
    if "--yes" in arguments:
        assert (outcome == "removed") != path_of(name).exists(), outcome
    return outcome in ("removed", "would be removed")


# ------------------------------------------------------------------- recover

def recover_removes_dead_claims():
    """recover removes a dead claim, if it is told to do so"""
    name = new_name()
    reader = Actor(name)
    Actor(name, "join").does("write 9", "reserve 500", "write 22").kill()
    reader.does("read")
    done = tool("recover", name)
    assert done.returncode == FOUND
    assert "1 claim of dead processes would be removed" in done.stdout
    assert tool_json("recover", name, code=FOUND)["claims"] == 1
    assert tool_json("stat", name)["head"]["state"] == "busy"
    plan = tool_json("recover", name, "--yes", code=OK)
    assert plan["was_done"] and plan["claims"] == 1
    head = tool_json("stat", name)["head"]
    assert head["state"] == "ready" and head["entry_size"] == 22, head
    reader.does("read")
    assert reader.tell("read") != "ok"
    done = tool("recover", name, "--yes")
    assert done.returncode == OK and "nothing to recover" in done.stdout


def recover_leaves_the_living():
    """recover leaves what a living process is writing, also a stopped one"""
    name = new_name()
    actor = Actor(name).does("reserve 100").stop()
    for force in ((), ("--force",)):
        done = tool("recover", name, "--yes", *force)
        assert done.returncode == REFUSED, done
        assert f"pid {actor.pid} (actor) is writing at the head" in done.stdout
    actor.go_on()
    actor.does("commit", "read")


def recover_finishes_a_closing():
    """recover finishes a closing"""
    name = new_name()
    Actor(name).does("write 1", "close").leave()
    with open(path_of(name), "r+b") as file:
        os.pwrite(file.fileno(), bytes(8), 128 + 16)
    assert tool_json("recover", name, code=FOUND)["finishes_closing"]
    assert tool("recover", name, "--yes").returncode == OK
    assert tool_json("stat", name)["is_closed"]
    assert tool("recover", name).returncode == OK


def in_new_namespace(*command):
    """Runs a command as pid 1 of a pid namespace, with a /proc of its own."""
    done = subprocess.run(
        ["unshare", "--pid", "--fork", "--mount-proc", *map(str, command)],
        capture_output=True, timeout=LIMIT, check=False)
    if b"Operation not permitted" in done.stderr or not shutil.which("unshare"):
        raise Skip("namespaces are not permitted here")
    return done


def die_where_nobody_can_tell(name, order):
    """Has a process of another pid namespace do something and die; and takes
    away what would prove the deaths of all owners."""
    script = ("import sys,subprocess\n"
              "p=subprocess.Popen(sys.argv[2:],stdin=subprocess.PIPE,"
              "stdout=subprocess.PIPE,bufsize=0)\n"
              "p.stdout.readline()\n"
              "p.stdin.write(sys.argv[1].encode()+b'\\n')\n"
              "p.stdout.readline()\n"
              "p.kill(); p.wait()\n")
    in_new_namespace("python3", "-c", script, order, ACTOR, "/" + name, "65536",
                     "0", "join")
    # They were locked, so that they can be judged; not without that mark.
    return take_marks_away(path_of(name))


def an_owner_that_nobody_can_judge():
    """an owner that nobody here can judge is told of, also where it is in
    nobody's way"""
    name = new_name()
    Actor(name)
    assert die_where_nobody_can_tell(name, "write 9") == 1
    text = text_of(tool_json("stat", name, code=FOUND)["findings"],
                   "unknown-owner")
    assert "of another pid namespace" in text
    assert "nobody here can tell whether it lives" in text


def recover_by_force():
    """recover by force removes owners that nobody can judge, and names them"""
    name = new_name()
    Actor(name).does("write 9", "read").kill()
    assert die_where_nobody_can_tell(name, "reserve 100") == 2
    report = tool_json("stat", name, code=FOUND)
    fates = sorted(o["fate"] for o in report["owners"])
    assert fates == ["dead", "unknown"], report
    assert "nobody here can tell" in report["findings"][0]["text"]
    assert not pruned(name) and not pruned(name, "--yes")
    assert tool("rm", name).returncode == REFUSED
    done = tool("recover", name, "--yes")
    assert done.returncode == REFUSED and "another pid namespace" in done.stdout
    done = tool("recover", name, "--force")
    assert done.returncode == FOUND and "forced out: pid" in done.stdout
    done = tool("recover", name, "--force", "--yes")
    assert done.returncode == OK, done
    assert "1 claim of dead processes was removed" in done.stdout
    assert [o["fate"] for o in tool_json("stat", name)["owners"]] == ["dead"]
    Actor(name, "join").does("write 5", "read")


def take_marks_away(path):
    """Makes owners look as if their slots had never been locked; how many."""
    data = path.read_bytes()
    count = 0
    with open(path, "r+b") as file:
        for i in range(struct.unpack_from("I", data, 28)[0]):
            word = struct.unpack_from("Q", data, 320 + 64 * i)[0]
            if word >> 28 & 0x3fffff:
                os.pwrite(file.fileno(), struct.pack("Q", word & ~(1 << 27)),
                          320 + 64 * i)
                count += 1
    return count


def recover_by_force_sees():
    """recover by force refuses where the library cannot judge an owner, but the
    tool sees it live"""
    name = new_name()
    Actor(name)
    with reserving_in_a_container(name):
        assert take_marks_away(path_of(name)) == 1
        owner, = tool_json("stat", name)["owners"]
        assert owner["fate"] == "unknown" and owner["pid_here"]
        done = tool("recover", name, "--force", "--yes")
        assert done.returncode == REFUSED, done
        assert "lives, and --force would remove it" in done.stderr
        assert len(tool_json("stat", name)["owners"]) == 1


def dead_elsewhere_by_lock():
    """who died in another pid namespace is dead by the lock of his slot"""
    name = new_name()
    Actor(name).does("write 1").leave()
    in_new_namespace("sh", "-c", f"echo write 1 | {ACTOR} /{name} 65536 0 join "
                     "& sleep 0.2; kill -9 $!; sleep 0.1")
    report = tool_json("stat", name)
    assert all(o["fate"] == "dead" for o in report["owners"])


# ------------------------------------------------------------------------ rm

def rm_removes():
    """rm removes what nobody uses, whatever is unread in it"""
    names = [leftover(), new_name(), new_name()]
    Actor(names[1]).leave()
    path_of(names[2]).write_bytes(bytes(4096))
    assert tool_json("rm", *names, code=OK) == [
        {"name": "/" + name, "outcome": "removed"} for name in names]
    assert not any(path_of(name).exists() for name in names)


def rm_refuses():
    """rm refuses what is in use, and what is another program's, but for force
    """
    name, other = new_name(), new_name()
    actor = Actor(name)
    path_of(other).write_bytes(b"another program's")
    done = tool("rm", name)
    assert done.returncode == REFUSED and path_of(name).exists()
    assert f"pid {actor.pid} (actor) has it mapped" in done.stderr
    done = tool("rm", other)
    assert done.returncode == REFUSED and path_of(other).exists()
    assert "no ring of libshmipc" in done.stderr
    outcomes = tool_json("rm", name, other, PREFIX + "none", code=NO_SUCH)
    assert [o["outcome"] for o in outcomes] == ["refused", "refused", "no such"]
    assert tool("rm", "--force", name, other).returncode == OK
    assert not path_of(name).exists() and not path_of(other).exists()
    actor.does("write 1", "read")


# --------------------------------------------------------------------- prune

def prune_is_dry():
    """prune only names leftovers, unless it is told to remove them"""
    name = leftover()
    done = tool("prune", MINE)
    assert done.returncode == FOUND
    assert f"/{name}: would be removed (1 dead owner, 1 unread entry)" in \
        done.stdout
    assert path_of(name).exists()
    assert not pruned(name, "--keep-unread")
    assert pruned(name, "--yes")
    done = tool("prune", MINE)
    assert done.returncode == OK and done.stdout == ""


def prune_takes_the_dead_alone():
    """prune leaves what nobody died in, foreign files and other layouts"""
    unused, foreign, newer, blank = (new_name() for _ in range(4))
    Actor(unused).does("write 1").leave()
    path_of(foreign).write_bytes(b"another program's" * 100)
    shutil.copy(path_of(leftover()), path_of(newer))
    with open(path_of(newer), "r+b") as file:
        os.pwrite(file.fileno(), struct.pack("I", 99), 8)
    path_of(blank).write_bytes(bytes(65536))
    tool("prune", MINE, "--yes")
    for name in (unused, foreign, newer, blank):
        assert path_of(name).exists()
    assert not pruned(unused) and pruned(unused, "--unused", "--yes")


def prune_takes_what_was_half_made():
    """prune takes what a creator left who died in the middle"""
    name = leftover()
    with open(path_of(name), "r+b") as file:
        os.pwrite(file.fileno(), bytes(4), READY)
    assert pruned(name, "--yes")


def prune_never_takes_what_is_in_use():
    """prune never takes what is mapped, open for writing or locked"""
    name = leftover()
    # Joined and not used: no owner slot says so.
    reader = Actor(name, "join")
    assert not pruned(name) and not pruned(name, "--yes")
    reader.leave()
    # The memory alone, as by ipc_mmap of old.
    user = Actor(name, "map")
    assert not pruned(name) and not pruned(name, "--yes")
    user.stop()
    assert not pruned(name, "--yes")
    user.kill()
    user = Actor(name, "open")
    report = tool_json("stat", name, "-i", "0")
    assert [u["has_it_locked"] for u in report["users"]] == [True]
    assert not pruned(name) and not pruned(name, "--yes")
    user.kill()
    with open(path_of(name), "r+b"):
        assert not pruned(name) and not pruned(name, "--yes")
    with open(path_of(name), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert not pruned(name) and not pruned(name, "--yes")
    assert pruned(name, "--yes")


def prune_sees_users_elsewhere():
    """prune in a pid namespace leaves what is mapped outside of it"""
    name = leftover()
    user = Actor(name, "map")
    done = in_new_namespace(TOOL, "prune", MINE, "--yes")
    assert path_of(name).exists(), done
    assert b"stays" in done.stdout, done
    user.kill()
    done = in_new_namespace(TOOL, "prune", MINE, "--yes")
    assert b"removed" in done.stdout and not path_of(name).exists(), done


def prune_sees_locks_elsewhere():
    """prune in a pid namespace leaves what is open by its name outside of it,
    for reading too"""
    name = leftover()
    with open(path_of(name), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        done = in_new_namespace(TOOL, "prune", MINE, "--yes")
        assert path_of(name).exists() and b"stays" in done.stdout, done


def meddle(call, command):
    """What others do just before the tool does the call."""
    if len(sys.argv) < 4:
        raise Skip("a build with sanitizers is not to be preloaded")
    return {"LD_PRELOAD": sys.argv[3], "MEDDLE_AT": call, "MEDDLE": command}


def prune_looks_again():
    """prune looks again when nobody can come any more: who came and went in the
    meantime has left something unread"""
    name = leftover("read")
    assert pruned(name, "--keep-unread")
    done = tool("prune", MINE, "--yes", "--keep-unread", env=meddle(
        "flock", f"echo write 9 | {ACTOR} /{name} 65536 0 join >/dev/null"))
    assert "is no leftover by now, and stays" in done.stdout, done
    assert tool_json("stat", name)["entries"]["unread"] == 1
    assert pruned(name, "--yes")


def prune_lets_openers_have_it():
    """prune gives a file back to who opens it in the very moment"""
    name = leftover()
    path = path_of(name)
    inode = path.stat().st_ino
    # It waits in open() for the lease, until that is given back.
    done = tool("prune", MINE, "--yes", env=meddle(
        "renameat2", f"(exec 3<>{path}; stat -L -c %i /dev/fd/3 >&2) & "
        "sleep 0.3"))
    assert "is in use by now, and stays" in done.stdout, done
    assert done.stderr.strip() == str(inode), done
    assert path.stat().st_ino == inode
    assert pruned(name, "--yes")


def prune_leaves_nothing_aside():
    """prune leaves nothing where who wanted a file has made another by now"""
    name, other = leftover(), leftover()
    inode = path_of(other).stat().st_ino
    aside = f"{SHM}/shmipc-removed-*-{name}"
    done = tool("prune", name, "--yes", env=meddle(
        "renamed", "python3 -c 'import os, glob\n"
        f"try: os.open(glob.glob(\"{aside}\")[0], os.O_RDWR | os.O_NONBLOCK)\n"
        "except BlockingIOError: pass\n"
        f"os.rename(\"{path_of(other)}\", \"{path_of(name)}\")'"))
    assert "has gone meanwhile" in done.stdout, done
    assert done.stderr == "" and path_of(name).stat().st_ino == inode
    assert not glob.glob(aside)


def prune_leaves_another_of_that_name():
    """prune leaves what has the name by now"""
    name, other = leftover(), leftover()
    done = tool("prune", name, "--yes", env=meddle(
        "flock", f"mv {path_of(other)} {path_of(name)}"))
    assert "has gone meanwhile" in done.stdout, done
    assert path_of(name).exists()
    done = tool("rm", name, env=meddle(
        "flock", f"rm {path_of(name)}"))
    assert done.returncode == NO_SUCH, done


def prune_beside_starting_programs():
    """prune that runs all the time takes nothing from programs that start"""
    prune_beside("any")


def prune_beside_programs_that_open_by_name():
    """prune that runs all the time takes nothing from who opens by name"""
    prune_beside("open")


def prune_beside(how):
    name = new_name()
    over = threading.Event()
    counts = {"removed": 0}
    failures = []
    chance = random.Random(4711)

    def prune():
        while not over.is_set():
            done = tool("prune", name, "--yes")
            counts["removed"] += done.stdout.count(": removed")
            if done.returncode != OK:
                failures.append(done)

    threads = [threading.Thread(target=prune) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(300):
            actor = Actor(name, how)
            # From here on nobody may take the name from it.
            actor.does("named", "write 10", "named")
            actor.kill()
            # Some starts come while prune is at it, some later.
            time.sleep(chance.random() * 0.03)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert not failures, failures
    print(f"# {counts['removed']} of 300 leftovers were removed meanwhile")
    assert counts["removed"] > 0
    assert not glob.glob(f"{SHM}/shmipc-removed-*-{name}")


def prune_is_no_owner():
    """prune of a file that this user may not remove fails, and says so"""
    if os.geteuid() != 0:
        raise Skip("this needs a second user")
    name = leftover()
    os.chmod(path_of(name), 0o644)
    done = tool("prune", MINE, "--yes", user=65534, group=65534)
    if "Permission denied: " in done.stderr:
        raise Skip("another user cannot run the tool from here")
    assert done.returncode == FAILED, done
    assert path_of(name).exists()


if __name__ == "__main__":
    run(recover_removes_dead_claims, recover_leaves_the_living,
        recover_finishes_a_closing, an_owner_that_nobody_can_judge,
        recover_by_force,
        recover_by_force_sees, dead_elsewhere_by_lock,
        rm_removes, rm_refuses, prune_is_dry, prune_takes_the_dead_alone,
        prune_takes_what_was_half_made, prune_never_takes_what_is_in_use,
        prune_sees_users_elsewhere, prune_sees_locks_elsewhere,
        prune_looks_again, prune_lets_openers_have_it,
        prune_leaves_nothing_aside, prune_leaves_another_of_that_name, prune_beside_starting_programs,
        prune_beside_programs_that_open_by_name, prune_is_no_owner)
