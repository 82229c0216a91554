#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""ls, stat, doctor and dump, on channels in every state.

    looks.py TOOL ACTOR
"""
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import tempfile

from harness import (ACTOR, FAILED, FOUND, KNOWS_CONSUMERS, NO_SUCH, OK,
                     ONE_CONSUMER, ONE_PRODUCER, PREFIX, SHM, TOOL, Actor,
                     Skip, codes, listed, new_name, path_of,
                     reserving_in_a_container, run, text_of, tool, tool_json,
                     wait_until)
from words import HEAD, TAIL, change, word_at


def stuck_findings(name):
    """What stat and doctor say of a channel; they are of one mind."""
    findings = tool_json("stat", name, code=FOUND)["findings"]
    doctor = tool_json("doctor", code=FOUND)
    mine, = [s for s in doctor["segments"] if s["name"] == "/" + name]
    assert codes(mine["findings"]) == codes(findings), (mine, findings)
    return findings


# ------------------------------------------------------------------------ ls

def ls_names_ours():
    """ls names channels, and other files only if asked"""
    name, other = new_name(), new_name()
    Actor(name).does("write 100", "write 100")
    path_of(other).write_bytes(b"another program's" * 10)
    ours = listed()
    assert "/" + other not in ours
    entry = ours["/" + name]
    assert entry["kind"] == "ring" and entry["state"] == "in use"
    assert (entry["alive"], entry["dead"], entry["users"]) == (1, 0, 1)
    assert entry["mode"] == "0600" and entry["uid"] == os.geteuid()
    assert entry["size"] == 65536 and entry["used"] == 256
    assert entry["age_ns"] < 10 ** 12
    assert listed("--all")["/" + other]["kind"] == "foreign"
    text = tool("ls").stdout
    assert re.search(rf"64 KiB  0600 .* 0% +1 +0 +1 .*in use +/{name}$", text,
                     re.M), text


def ls_counts_the_dead():
    """ls counts who lives and who is dead"""
    name = new_name()
    Actor(name).does("write 1").kill()
    other = Actor(name, "join").does("write 1")
    # The second one has taken the first one's slot, or another.
    entry = listed()["/" + name]
    assert entry["alive"] == 1, entry
    other.kill()
    entry = listed()["/" + name]
    assert entry["alive"] == 0 and entry["dead"] >= 1
    assert entry["state"] == "leftover" and entry["users"] == 0


def ls_of_a_directory():
    """ls looks into any directory, and names cannot move the cursor"""
    name = new_name()
    Actor(name)
    with tempfile.TemporaryDirectory() as directory:
        shutil.copy(path_of(name), pathlib.Path(directory) / "a\033[31m\nb")
        shutil.copy(path_of(name), os.fsencode(directory) + b"/\xff\xfe")
        os.mkfifo(pathlib.Path(directory) / "pipe")
        os.symlink(path_of(name), pathlib.Path(directory) / "link")
        assert set(listed("--dir", directory)) == {
            f"{directory}/a?[31m?b", f"{directory}/??"}
        assert "\033" not in tool("ls", "--dir", directory).stdout
    assert tool("ls", "--dir", "/nowhere").returncode == FAILED


# ---------------------------------------------------------------------- stat

def stat_of_a_running_one():
    """stat of a channel in order finds nothing wrong"""
    name = new_name()
    actor = Actor(name).does("write 100", "write 300", "read", "write 22")
    for spelled in (name, "/" + name, str(path_of(name))):
        report = tool_json("stat", spelled, code=OK)
    assert report["findings"] == [] and report["kind"] == "ring"
    assert report["configuration"]["max_owners"] == 64 or \
        report["configuration"]["max_owners"] > 0
    assert not report["configuration"]["one_producer"]
    assert report["head"] == {"state": "ready", "offset": 128,
                              "entry_size": 300}
    assert report["tail_offset"] == 128 + 320 + 64 and report["used"] == 384
    entries = report["entries"]
    assert entries["written"] == 3 and entries["unread"] == 2
    assert entries["unread_bytes"] == 322 and entries["all_counted"]
    owner, = report["owners"]
    assert owner["pid"] == actor.pid and owner["command"] == "actor"
    assert owner["fate"] == "lives" and owner["writes"]
    assert owner["entries_written"] == 3 and owner["handles"] == 1
    user, = report["users"]
    assert user["pid"] == actor.pid and user["has_it_mapped"]
    text = tool("stat", name).stdout
    assert "2 unread (322 B)" in text and f"{actor.pid} actor" in text


def stat_tells_rates():
    """stat tells rates, if it looks twice"""
    name = new_name()
    Actor(name)
    rates = tool_json("stat", name, code=OK)["rates"]
    assert rates["entries_per_second"] == 0 and rates["seconds"] > 0.1
    assert tool_json("stat", name, "-i", "0", code=OK)["rates"] is None
    assert "entries/s" in tool("stat", name).stdout


def stat_for_prometheus():
    """stat tells Prometheus"""
    name = new_name()
    Actor(name).does("write 100", "write 100", "read")
    text = tool("stat", "--prometheus", name).stdout
    values = dict(line.rsplit(" ", 1) for line in text.splitlines()
                  if not line.startswith("#"))
    label = '{segment="/' + name + '"'
    assert values[f"shmipc_entries_written_total{label}}}"] == "2"
    assert values[f"shmipc_entries_unread{label}}}"] == "1"
    assert values[f"shmipc_used_bytes{label}}}"] == "128"
    assert values[f'shmipc_owners{label},fate="lives"}}'] == "1"
    for metric in values:
        kind = metric.split("{")[0]
        assert re.search(rf"^# TYPE {kind} (gauge|counter)$", text, re.M)
        assert re.search(rf"^# HELP {kind} ", text, re.M)


def stopped_in_mid_write():
    """a producer that was stopped in mid-write is named, with its pid and how
    long"""
    name = new_name()
    actor = Actor(name).does("write 100", "read", "reserve 500").stop()
    if os.path.exists("/proc/self/sched"):
        # By one look: since when it stands still is known from the scheduler.
        wait_until(lambda: re.search(r"which is stopped, for [2-9] s", tool(
            "stat", name, "-i", "0").stdout), "it is told for how long")
    text = text_of(stuck_findings(name), "stopped-writer")
    assert re.fullmatch(rf"entry at offset 128 is being written by pid "
                        rf"{actor.pid} \(actor\), which is stopped, for "
                        rf"\d+ m?s", text), text
    assert f"error: {text.split(', for')[0]}" in tool("stat", name).stdout
    report = tool_json("stat", name, code=FOUND)
    assert report["head"]["writer_pid"] == actor.pid
    assert report["head"]["entry_offset"] == 128
    actor.go_on()
    actor.does("commit")
    assert tool_json("stat", name, code=OK)["findings"] == []


def stopped_behind_filler():
    """the one that holds readers up is named behind filler too"""
    name = new_name()
    actor = Actor(name, size=8192).does("write 2400")
    # The second entry does not fit into the lap's rest.
    capacity = tool_json("stat", name, code=OK)["configuration"]["capacity"]
    rest = capacity - 2432
    actor.does("read", f"write {rest - 640}", "read", "reserve 1000").stop()
    report = tool_json("stat", name, code=FOUND)
    assert report["head"]["state"] == "busy", report["head"]
    assert report["head"]["offset"] == capacity - 640
    assert report["head"]["entry_offset"] == capacity
    assert "stopped-writer" in codes(report["findings"])


def killed_in_mid_write():
    """a producer that was killed in mid-write is told of as dead"""
    name = new_name()
    other = Actor(name)
    actor = Actor(name, "join").does("write 100", "reserve 500", "write 22")
    other.does("read")
    actor.kill()
    findings = stuck_findings(name)
    assert "dead-owners" in codes(findings)
    assert text_of(findings, "dead-claim") == (
        f"entry at offset 128 was being written by pid {actor.pid}, which is "
        "dead")
    report = tool_json("stat", name, code=FOUND)
    assert report["entries"]["given_up"] == 1
    # What is behind it is counted all the same.
    assert report["entries"]["unread"] == 1
    assert "leftover" not in codes(findings)
    other.leave()
    assert "leftover" in codes(stuck_findings(name))


def stopped_in_a_container():
    """a producer of a pid namespace inside of ours is named by the pid that we
    know it by"""
    name = new_name()
    Actor(name)
    with reserving_in_a_container(name) as container:
        inner = pathlib.Path(f"/proc/{container.pid}/task/{container.pid}"
                             "/children").read_text().strip()
        os.kill(int(inner), signal.SIGSTOP)
        wait_until(lambda: "stopped-writer" in codes(tool_json(
            "stat", name)["findings"]), "it stops")
        text = text_of(stuck_findings(name), "stopped-writer")
        assert (f"is being written by pid {inner} (actor, pid 1 in its pid "
                "namespace), which is stopped") in text, text
        owner, = tool_json("stat", name)["owners"]
        assert owner["pid"] == 1 and owner["pid_here"] == int(inner)
        assert not owner["is_here"]


def memory_without_a_name():
    """memory without a name is looked at by the descriptor that somebody has"""
    name = new_name()
    Actor(name).does("write 100").leave()
    fd = os.memfd_create("prices")
    os.write(fd, path_of(name).read_bytes())
    report = tool_json("stat", f"/proc/{os.getpid()}/fd/{fd}", code=OK)
    assert report["kind"] == "ring" and report["entries"]["unread"] == 1
    os.close(fd)
    # But no name leads to another.
    link = new_name()
    os.symlink(path_of(name), path_of(link))
    assert tool("stat", link).returncode == FAILED


def asleep_in_mid_write():
    """a producer that reserved and does something else is told of once that
    lasts"""
    name = new_name()
    actor = Actor(name).does("reserve 500")
    text = text_of(stuck_findings(name), "busy")
    assert f"is being written by pid {actor.pid} (actor), which sleeps" in text
    wait_until(lambda: "which sleeps, for " in
               text_of(stuck_findings(name), "busy"), "it lasts")


def roles_and_stopped_owners():
    """the one producer and the one consumer are named, and told of if they are
    stopped"""
    name = new_name()
    producer = Actor(name, flags=ONE_PRODUCER | ONE_CONSUMER).does("write 9")
    consumer = Actor(name, "join").does("read")
    producer.does("write 9")
    owners = {o["pid"]: o for o in
              tool_json("stat", name, code=OK)["owners"]}
    assert owners[producer.pid]["is_one_producer"]
    assert not owners[producer.pid]["is_one_consumer"]
    assert owners[consumer.pid]["is_one_consumer"]
    consumer.stop()
    text = text_of(stuck_findings(name), "stopped-owner")
    assert text.startswith(f"the one consumer, pid {consumer.pid} (actor), is "
                           "stopped"), text


def readers_that_are_known():
    """who reads is named where readers take owner slots"""
    name = new_name()
    writer = Actor(name, flags=KNOWS_CONSUMERS).does("write 9")
    reader = Actor(name, "join").does("read")
    report = tool_json("stat", name, code=OK)
    assert report["configuration"]["knows_consumers"]
    roles = {o["pid"]: (o["writes"], o["reads"]) for o in report["owners"]}
    assert roles == {writer.pid: (True, False), reader.pid: (False, True)}
    text = tool("stat", name).stdout
    assert re.search(rf"{reader.pid} actor +reads ", text), text


def stopped_reader_of_many():
    """a stopped reader without an owner slot is told of, since it has the
    memory mapped"""
    name = new_name()
    Actor(name).does("write 9")
    reader = Actor(name, "join").stop()
    text = text_of(stuck_findings(name), "stopped-user")
    assert text.startswith(f"pid {reader.pid} (actor), which has it mapped, is "
                           "stopped"), text


def claimed_and_not_begun():
    """space that was claimed and never written to is told of, and recovered"""
    name = new_name()
    Actor(name).does("write 9", "read")
    change(name, TAIL, struct.pack("Q", word_at(name, TAIL) + 1))
    text = text_of(stuck_findings(name), "gap")
    assert "space at offset 64 is claimed by a producer that has not" in text
    assert tool("recover", name).returncode == FOUND
    done = tool("recover", name, "--yes")
    assert done.returncode == OK and "1 claim " in done.stdout, done
    assert tool_json("stat", name, code=OK)["findings"] == []


def who_sleeps():
    """who sleeps for entries, and who for space, is told"""
    name = new_name()
    reader = Actor(name)
    reader.order("wait")
    pathlib.Path(f"/proc/{reader.pid}/wchan").read_text()
    try:
        pathlib.Path(f"/proc/{reader.pid}/syscall").read_text()
    except PermissionError as error:
        raise Skip("this user may not see system calls of others") from error

    def sleeps():
        report = tool_json("stat", name, "-i", "0", code=OK)
        return report["readers_may_sleep"] and \
            report["users"][0]["sleeps"] == "for entries"

    wait_until(sleeps, "the reader sleeps")
    writer = Actor(name, "join").does("write 1")
    assert reader.process.stdout.readline().decode().strip() == "ok"
    report = tool_json("stat", name, code=OK)
    assert {u["sleeps"] for u in report["users"]} == {None}
    writer.leave()


def full_and_nobody_reads():
    """a full channel of which nothing is read is told of"""
    name = new_name()
    Actor(name).does("fill")
    assert "it is full to" in text_of(stuck_findings(name), "full")
    assert " %, and nothing was read for " in tool("stat", name).stdout


def closed():
    """a closed channel is told of, and one that is closed by half"""
    name = new_name()
    Actor(name).does("write 1", "close")
    assert "it is closed" in text_of(stuck_findings(name), "closed")
    assert listed()["/" + name]["state"] == "closed"
    change(name, HEAD + 16, struct.pack("Q", 0))
    assert "not yet to readers" in text_of(stuck_findings(name), "half-closed")


def owners_full():
    """that all owner slots are taken is told"""
    name = new_name()
    first = Actor(name, size=2048).does("write 1")
    most = tool_json("stat", name)["configuration"]["max_owners"]
    for _ in range(most - 1):
        Actor(name, "join", size=4096).does("read", "write 1")
    findings = stuck_findings(name)
    assert f"all {most} owner slots are taken" in text_of(findings,
                                                          "owners-full")
    first.leave()
    assert tool_json("stat", name, code=OK)["findings"] == []


# -------------------------------------------------------------- what is not

def reads_only():
    """a file that may only be read is looked at, and nothing in it changes"""
    name = new_name()
    Actor(name).does("write 100", "reserve 64").kill()
    before = path_of(name).read_bytes()
    with tempfile.TemporaryDirectory() as directory:
        copy = shutil.copy(TOOL, directory)
        os.chmod(directory, 0o755)
        path = pathlib.Path(directory) / "prices"
        path.write_bytes(before)
        path.chmod(0o444)
        options = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
        options["executable"] = copy
        done = tool("stat", "-i", "0", path, **options)
        assert done.returncode == FOUND and "1 unread" in done.stdout, done
        assert tool("dump", path, **options).returncode == OK
        done = tool("recover", path, "--yes", **options)
        # The claim is behind an entry: there is nothing to do for it.
        assert done.returncode == OK, done
        path.chmod(0)
        done = tool("stat", path, **options)
        assert done.returncode == FAILED and "Permission" in done.stderr
    tool("stat", name)
    tool("ls")
    tool("doctor")
    tool("dump", name)
    tool("recover", name)
    tool("prune", name)
    assert path_of(name).read_bytes() == before


def files_that_may_not_be_read():
    """ls and doctor tell of files that this user may not read"""
    with tempfile.TemporaryDirectory() as directory:
        copy = shutil.copy(TOOL, directory)
        os.chmod(directory, 0o755)
        options = {"user": 65534, "group": 65534} if os.geteuid() == 0 else {}
        options["executable"] = copy
        segments = pathlib.Path(directory) / "segments"
        segments.mkdir(0o755)
        path = segments / "prices"
        path.write_bytes(bytes(100))
        path.chmod(0o200)
        done = tool("ls", "--dir", segments, **options)
        assert done.returncode == OK and done.stdout == ""
        assert f"1 file in {segments} cannot be read" in done.stderr
        done = tool("ls", "--dir", segments, "--all", "--json", **options)
        entry, = json.loads(done.stdout)
        assert entry["name"] == str(path) and entry["size"] == 100
        assert (entry["kind"], entry["mode"]) == ("unreadable", "0200")
        assert done.stderr == ""
        done = tool("doctor", "--dir", segments, **options)
        assert f"1 file in {segments} cannot be read" in done.stdout
        done = tool("doctor", "--dir", segments, "--json", **options)
        assert json.loads(done.stdout)["unreadable"] == 1
        done = tool("recv", path, **options)
        assert done.returncode == FAILED and "its mode 0200" in done.stderr


def no_such():
    """what is not there, or is no name, has exit codes of its own"""
    for command in ("stat", "dump", "recover", "rm"):
        assert tool(command, PREFIX + "none").returncode == NO_SUCH
        assert tool(command, "/").returncode == FAILED
        assert tool(command, "").returncode == FAILED
        assert tool(command, "/dev/null").returncode == FAILED
        assert tool(command, "..").returncode == FAILED
        assert tool(command, "/dev/shm/").returncode == FAILED


# --------------------------------------------------------------------- dump

def dump_around_the_head():
    """dump prints control words and entries around the head"""
    name = new_name()
    actor = Actor(name).does("write 100", "read", "reserve 100", "write 22")
    text = tool("dump", name).stdout
    assert re.search(r"^ +0  block 0 .*READY, 100 bytes  <- read already$",
                     text, re.M), text
    assert re.search(rf"^ +128  block 2 .*BUSY by pid {actor.pid}  <- the head$",
                     text, re.M), text
    assert re.search(r"^ +256  block 4 .*READY, 22 bytes$", text, re.M), text
    assert "|abcdefghijklmnop|" in text and "|qrstuv|" in text
    blocks = tool_json("dump", name, code=OK)["blocks"]
    last = blocks[-1]
    assert bytes.fromhex(last["bytes"]) == b"abcdefghijklmnopqrstuv"
    assert last["state"] == "READY" and last["size"] == 22
    short = tool_json("dump", name, "-s", "5", "-b", "0", code=OK)["blocks"]
    assert bytes.fromhex(short[-1]["bytes"]) == b"abcde"
    assert short[0]["state"] == "BUSY"


# ------------------------------------------------------------------- doctor

def doctor_is_fine():
    """doctor is fine where nothing is wrong, but for the machine"""
    with tempfile.TemporaryDirectory(dir=SHM) as directory:
        found = tool_json("doctor", "--dir", directory)
        bad = [f for f in found["machine"] if f["weight"] != "note"]
        done = tool("doctor", "--dir", directory, "--quiet")
        assert done.returncode == (FOUND if bad else OK)
        assert found["segments"] == []
        assert re.search(rf"^0 errors, {len(bad)} warning", done.stdout, re.M)
    assert tool("doctor", "--dir", "/nowhere").returncode == FAILED


def doctor_names_what_lacks():
    """doctor tells of a small and of a full place for segments"""
    with tempfile.TemporaryDirectory() as directory:
        mounted = os.system(f"mount -t tmpfs -o size=1m tmpfs {directory} "
                            "2>/dev/null")
        if mounted != 0:
            raise Skip("nothing can be mounted here")
        try:
            found = codes(tool_json("doctor", "--dir", directory)["machine"])
            assert "shm-small" in found and "shm-full" not in found
            (pathlib.Path(directory) / "fill").write_bytes(bytes(1000000))
            found = codes(tool_json("doctor", "--dir", directory)["machine"])
            assert "shm-full" in found, found
        finally:
            os.system(f"umount {directory}")


if __name__ == "__main__":
    assert pathlib.Path(ACTOR).exists()
    run(ls_names_ours, ls_counts_the_dead, ls_of_a_directory,
        stat_of_a_running_one, stat_tells_rates, stat_for_prometheus,
        stopped_in_mid_write, stopped_behind_filler, killed_in_mid_write,
        stopped_in_a_container, memory_without_a_name, asleep_in_mid_write,
        roles_and_stopped_owners, readers_that_are_known,
        stopped_reader_of_many, claimed_and_not_begun, who_sleeps,
        full_and_nobody_reads, closed, owners_full, reads_only,
        files_that_may_not_be_read, no_such, dump_around_the_head,
        doctor_is_fine, doctor_names_what_lacks)
