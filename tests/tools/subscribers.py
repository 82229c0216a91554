#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the tool says of channels in which every subscriber reads all: who they
are, how far behind, for whom writers wait.

    subscribers.py SHMIPC ACTOR
"""
import json
import re
import struct
import subprocess

from harness import (BROADCAST, FAILED, FOUND, LIMIT, OK, TOOL, USAGE, Actor, codes,
                     listed, new_name, run, text_of, tool, tool_json,
                     wait_until)


def subscribers(name):
    """By pid."""
    return {s["pid"]: s for s in tool_json("stat", name)["subscribers"]}


def diagnosis(name):
    """What doctor says of the channel."""
    found, = [s for s in tool_json("doctor")["segments"]
              if s["name"] == "/" + name]
    return found["findings"]


def fill(name):
    """A writer, and two who read nothing of what fills the channel, the second
    of whom has read one entry more."""
    writer = Actor(name, flags=BROADCAST)
    slow = Actor(name, "join").does("subscribe")
    other = Actor(name, "join").does("subscribe")
    writer.does("fill")
    other.does("read")
    return writer, slow, other


def they_are_counted():
    """where every subscriber reads all, it is said so, and how many there
    are"""
    name = new_name()
    writer = Actor(name, flags=BROADCAST).does("write 100", "write 9")
    report = tool_json("stat", name, code=OK)
    assert report["configuration"]["broadcast"] and report["findings"] == []
    assert report["configuration"]["max_subscribers"] > 0
    assert report["subscribers"] == [] and report["used"] == 192
    # What is kept for those to come holds nobody up.
    assert report["held"] == 0
    reader = Actor(name, "join").does("subscribe")
    assert len(subscribers(name)) == 1
    writer.does("write 22")
    reader.does("read")
    text = tool("stat", name).stdout
    assert re.search(r"1 of \d+ subscribers, who all read all", text), text
    assert listed()["/" + name]["state"] == "in use"
    assert "22 bytes" in tool("dump", name).stdout
    reader.leave()
    assert subscribers(name) == {}


def each_is_shown():
    """stat shows who each is, its policy, and how far behind"""
    name = new_name()
    writer = Actor(name, flags=BROADCAST)
    slow = Actor(name, "join").does("subscribe")
    fast = Actor(name, "join").does("subscribe")
    writer.does("write 100", "write 100", "write 9")
    fast.does("read", "read")
    found = subscribers(name)
    assert set(found) == {slow.pid, fast.pid}
    for pid, lag, offset in (slow.pid, 320, 0), (fast.pid, 64, 256):
        one = found[pid]
        assert one["pid_here"] == pid and one["command"] == "actor"
        assert one["fate"] == "lives" and one["state"] == "reads"
        assert one["policy"] == "blocks" and one["since_ns"] > 0
        assert one["lag_bytes"] == lag and one["offset"] == offset
        assert one["lost_bytes"] == 0
    assert found[slow.pid]["is_slowest"] and not found[fast.pid]["is_slowest"]
    report = tool_json("stat", name, code=OK)
    assert report["held"] == 320 and report["used"] == 320
    assert report["head"] == {"state": "ready", "offset": 0, "entry_size": 100}
    text = tool("stat", name).stdout
    assert re.search(rf"^ +{slow.pid} actor +blocks +reads +320 B +0 B "
                     "slowest$", text, re.M), text
    assert re.search(rf"^ +{fast.pid} actor +blocks +reads +64 B +0 B$",
                     text, re.M), text


def prometheus_gets_each():
    """stat tells Prometheus of each subscriber"""
    name = new_name()
    writer = Actor(name, flags=BROADCAST)
    reader = Actor(name, "join").does("subscribe")
    writer.does("write 100")
    text = tool("stat", "--prometheus", name).stdout
    values = dict(line.rsplit(" ", 1) for line in text.splitlines()
                  if not line.startswith("#"))
    label = '{segment="/' + name + '"'
    one = f'{label},number="0",pid="{reader.pid}",policy="blocks"}}'
    assert values[f"shmipc_subscribers{label}}}"] == "1"
    assert values[f"shmipc_held_bytes{label}}}"] == "128"
    assert values["shmipc_subscriber_lag_bytes" + one] == "128"
    assert values["shmipc_subscriber_lost_bytes_total" + one] == "0"
    for metric in values:
        kind = metric.split("{")[0]
        assert len(re.findall(rf"^# TYPE {kind} (gauge|counter)$", text,
                              re.M)) == 1
    name = new_name()
    Actor(name)
    assert "subscriber" not in tool("stat", "--prometheus", name).stdout


def who_may_lag_loses_and_holds_nobody_up():
    """a subscriber that may lag is shown with what it lost, and is nobody for
    whom writers wait"""
    name = new_name()
    writer = Actor(name, flags=BROADCAST)
    lagging = Actor(name, "join").does("subscribe 64")
    other = Actor(name, "join").does("subscribe")
    writer.does("write 100", "write 100")
    found = subscribers(name)
    assert found[lagging.pid]["policy"] == "lags"
    assert found[lagging.pid]["state"] == "reads"
    assert found[other.pid]["is_slowest"]
    assert not found[lagging.pid]["is_slowest"]
    writer.does("fill")
    text = text_of(tool_json("stat", name)["findings"], "slow-subscriber")
    assert f"pid {other.pid} " in text, text
    other.leave()
    report = tool_json("stat", name, code=OK)
    assert report["held"] == 0 and report["findings"] == []
    writer.does("write 64", "write 64")
    assert subscribers(name)[lagging.pid]["state"] == "evicted"
    report = tool_json("stat", name, code=OK)
    assert report["held"] == 0 and report["findings"] == []
    assert lagging.tell("read") == "IPC_ERR_LAGGED"
    one = subscribers(name)[lagging.pid]
    assert one["state"] == "reads" and one["lost_bytes"] > 0, one


def what_is_pinned_is_shown():
    """stat shows what a subscriber has pinned, and since when"""
    name = new_name()
    writer = Actor(name, flags=BROADCAST)
    reader = Actor(name, "join").does("subscribe 64")
    writer.does("write 100", "write 200")
    assert subscribers(name)[reader.pid]["pinned_bytes"] == 0
    assert " pins " not in tool("stat", name).stdout
    reader.does("pin")
    one = subscribers(name)[reader.pid]
    assert one["pinned_bytes"] == 256 and one["pinned_offset"] == 128, one
    assert one["pinned_since_ns"] >= one["since_ns"], one
    text = tool("stat", name).stdout
    assert re.search(rf"^ +{reader.pid} actor .* pins 256 B for ", text,
                     re.M), text
    assert "subscriber_pinned_bytes" in tool("stat", "--prometheus",
                                             name).stdout


def set_back(name, ns):
    """Makes what the one subscriber has pinned so much older."""
    since = tool_json("stat", name)["subscribers"][0]["pinned_since_ns"]
    with open(f"/dev/shm/{name}", "r+b") as file:
        at = file.read(1 << 14).index(struct.pack("=Q", since))
        file.seek(at)
        file.write(struct.pack("=Q", since - ns))


def long_pins_are_told():
    """stat and doctor tell of a pin that is held for long, or by one who is
    stopped"""
    name = new_name()
    writer = Actor(name, flags=BROADCAST)
    reader = Actor(name, "join").does("subscribe 64")
    writer.does("write 200")
    reader.does("pin")
    assert "long-pin" not in codes(tool_json("stat", name)["findings"])
    reader.stop()
    finding, = [f for f in diagnosis(name) if f["code"] == "long-pin"]
    assert finding["weight"] == "warning"
    assert "stopped" in finding["text"], finding
    assert f"`kill -CONT {reader.pid}`" in finding["advice"], finding
    reader.go_on()
    set_back(name, 3600 * 10**9)
    for findings in (tool_json("stat", name, code=OK)["findings"],
                     diagnosis(name)):
        text = text_of(findings, "long-pin")
        assert text.startswith(f"pid {reader.pid} (actor)"), text
        assert "256 B pinned for" in text, text


def pins_of_the_dead_are_told():
    """stat and doctor tell of a pin whose process was killed, until it is let
    go"""
    name = new_name()
    writer = Actor(name, flags=BROADCAST)
    reader = Actor(name, "join").does("subscribe 64")
    writer.does("write 200")
    reader.does("pin").kill()
    for findings in (tool_json("stat", name, code=OK)["findings"],
                     diagnosis(name)):
        assert "long-pin" not in codes(findings)
        text = text_of(findings, "dead-pin")
        assert text.startswith(f"pid {reader.pid}"), text
        assert "256 B pinned" in text, text


def what_all_have_read_holds_nobody_up():
    """a channel that is full of what all subscribers have read is in order"""
    name = new_name()
    writer, slow, other = fill(name)
    slow.leave()
    other.leave()
    report = tool_json("stat", name, code=OK)
    assert report["findings"] == [] and report["held"] == 0
    assert report["used"] > report["configuration"]["capacity"] * 15 / 16
    reader = Actor(name, "join").does("subscribe")
    report = tool_json("stat", name, code=OK)
    assert report["findings"] == [] and report["held"] == 0
    writer.does("write 64")
    reader.does("read")
    assert tool_json("stat", name, code=OK)["findings"] == []


def the_slowest_is_blamed():
    """stat and doctor say for which subscriber writers wait"""
    name = new_name()
    _, slow, other = fill(name)
    for findings in (tool_json("stat", name, code=FOUND)["findings"],
                     diagnosis(name)):
        assert codes(findings) == {"slow-subscriber"}, findings
        text = text_of(findings, "slow-subscriber")
        assert text.startswith("the slowest subscriber, "
                               f"pid {slow.pid} (actor)"), text
        assert "writers wait for it, or are refused" in text
    # When it has gone it is the other one.
    slow.leave()
    other_text = text_of(tool_json("stat", name)["findings"],
                         "slow-subscriber")
    assert f"pid {other.pid} " in other_text, other_text
    other.leave()
    assert tool_json("stat", name, code=OK)["findings"] == []


def a_stopped_one_is_told_how_to_go_on():
    """a subscriber that is stopped and holds up writers is told of, with what
    lets it go on"""
    name = new_name()
    _, slow, _ = fill(name)
    slow.stop()
    finding, = [f for f in diagnosis(name) if f["code"] == "slow-subscriber"]
    assert finding["weight"] == "warning"
    assert "stopped" in finding["text"], finding
    assert f"`kill -CONT {slow.pid}`" in finding["advice"]
    slow.go_on()


def a_dead_one_is_seen():
    """a subscriber that was killed is said to be dead until writers removed
    it"""
    name = new_name()
    writer, slow, other = fill(name)
    slow.kill()
    assert subscribers(name)[slow.pid]["fate"] == "dead"
    text = tool("stat", name).stdout
    assert re.search(rf"^ +{slow.pid} - +blocks +is dead", text, re.M), text
    other.does("read")
    wait_until(lambda: writer.tell("write 64") == "ok", "it is removed")
    assert set(subscribers(name)) == {other.pid}


def stopped_writers_hold_up_readers():
    """a producer that was stopped in mid-write is named though what is before
    that stays for those to come"""
    name = new_name()
    writer = Actor(name, flags=BROADCAST)
    reader = Actor(name, "join").does("subscribe")
    writer.does("write 9", "reserve 100").stop()
    reader.does("read")
    text = text_of(tool_json("stat", name, code=FOUND)["findings"],
                   "stopped-writer")
    assert f"is being written by pid {writer.pid} (actor)" in text, text
    writer.go_on()


def damage_is_nobodys_place():
    """a cursor that cannot be true is not believed"""
    name = new_name()
    writer = Actor(name, flags=BROADCAST).does("write 9")
    Actor(name, "join").does("subscribe")
    offset = tool_json("stat", name)["subscribers"][0]["offset"]
    assert offset == 64
    with open(f"/dev/shm/{name}", "r+b") as file:
        memory = file.read()
        # The slot of the first subscriber has its owner's number, and pids are
        # nowhere else at that distance.
        place, = [at for at in range(0, min(len(memory), 1 << 14), 64)
                  if is_subscriber(memory, at)]
        file.seek(place)
        file.write(struct.pack("=Q", 1 << 50))
    report = tool_json("stat", name)
    assert report["held"] == 0 and report["used"] == 64
    writer.leave()


def is_subscriber(memory, at):
    """Whether a cursor is there: of a stay that began in the last minutes, at
    the position that it is at."""
    cursor, = struct.unpack_from("=Q", memory, at)
    joined, lag, lost, slowest, since = struct.unpack_from("=5Q", memory,
                                                           at + 64)
    return cursor == joined and (lag, lost, slowest) == (0, 0, 0) and \
        since > 10**18


def recv_subscribes():
    """recv becomes a subscriber where every subscriber reads all"""
    name = new_name()
    writer = Actor(name, flags=BROADCAST)
    with subprocess.Popen([TOOL, "recv", "-n", "1", name],
                          stdout=subprocess.PIPE) as one, \
            subprocess.Popen([TOOL, "recv", "-n", "1", name],
                             stdout=subprocess.PIPE) as other:
        wait_until(lambda: len(subscribers(name)) == 2, "both subscribe")
        writer.does("write 5")
        for reader in one, other:
            assert reader.communicate(timeout=LIMIT)[0] == b"abcde\n"
            assert reader.returncode == OK


def a_shell_makes_one_and_begins_at_the_oldest():
    """create --broadcast makes such a channel, and recv --subscribe=oldest gets
    what was sent before"""
    name = new_name()
    made = tool_json("create", "--subscribers=3", name, code=OK)
    assert made["broadcast"]
    configuration = tool_json("stat", name)["configuration"]
    assert configuration["broadcast"] and configuration["max_subscribers"] == 3
    assert tool("send", name, input=b"one\ntwo\n").returncode == OK
    for _ in range(2):
        done = tool("recv", "--subscribe=oldest", "--no-wait", name)
        assert (done.returncode, done.stdout) == (OK, "one\ntwo\n"), done
    for option in "--subscribe=now", "--existing":
        done = tool("recv", option, "--no-wait", name)
        assert (done.returncode, done.stdout) == (FOUND, ""), done
    name = new_name()
    assert tool_json("create", "--broadcast", name, code=OK)["broadcast"]
    assert tool("create", "--subscribers=0", name).returncode == USAGE
    assert tool("create", "--subscribers=1025", name).returncode == USAGE


def recv_makes_one():
    """recv --subscribe makes a channel for subscribers, and refuses a queue"""
    name = new_name()
    done = tool("recv", "--subscribe=now", "--no-wait", name)
    assert done.returncode == FOUND, done
    assert tool_json("stat", name)["configuration"]["broadcast"]
    name = new_name()
    assert not tool_json("create", name, code=OK)["broadcast"]
    done = tool("recv", "--subscribe=now", "--no-wait", name)
    assert done.returncode == FAILED and "it is a queue" in done.stderr, done
    assert tool("recv", "--subscribe=later", name).returncode == USAGE


def has_one_subscriber(name):
    """Of an open channel; while it is made anew there may be none."""
    done = tool("stat", name, "--json")
    if done.returncode not in (OK, FOUND):
        return False
    shown = json.loads(done.stdout)
    return not shown["is_closed"] and len(shown["subscribers"]) == 1


def recv_follows():
    """recv --follow goes on with the next channel for subscribers"""
    name = new_name()
    with subprocess.Popen([TOOL, "recv", "--follow", "-n", "2",
                           "--subscribe=oldest", name],
                          stdout=subprocess.PIPE) as reader:
        for text in b"one\n", b"two\n":
            wait_until(lambda: has_one_subscriber(name), "it subscribes")
            assert tool("send", "--close", name, input=text).returncode == OK
        assert reader.communicate(timeout=LIMIT)[0] == b"one\ntwo\n"
        assert reader.returncode == OK


if __name__ == "__main__":
    run(they_are_counted, each_is_shown, prometheus_gets_each,
        who_may_lag_loses_and_holds_nobody_up, what_is_pinned_is_shown,
        long_pins_are_told, pins_of_the_dead_are_told,
        what_all_have_read_holds_nobody_up, the_slowest_is_blamed,
        a_stopped_one_is_told_how_to_go_on, a_dead_one_is_seen,
        stopped_writers_hold_up_readers, damage_is_nobodys_place,
        recv_subscribes, a_shell_makes_one_and_begins_at_the_oldest,
        recv_makes_one, recv_follows)
