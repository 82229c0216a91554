#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every message comes out once, in order and whole, whatever dies or breaks.

    lossless.py SHMIPC_BRIDGE SHMIPC FLOW [KILLS [MESSAGES]]
"""
import random
import signal
import sys
import time

from bridges import (SHM, create, free_port, into, must_end, new_name, out,
                     pair, read, run, write)

KILLS = int(sys.argv[4]) if sys.argv[4:] else 8
MESSAGES = int(sys.argv[5]) if sys.argv[5:] else 20000


def all_sizes():
    """messages of all sizes come out as they went in, also larger ones than a
    batch"""
    near, far, here, there, _ = pair()
    must_end(write(near, 3000, largest=300000), read(far, 3000,
                                                      largest=300000))
    here.end()
    there.end()


def large_ones_on_a_bad_day():
    """large messages, which go in parts, come out whole when connections are
    reset and bridges killed in the middle of them"""
    near, far = new_name(), new_name()
    create(near, "--one-consumer", "--size=8M")
    create(far, "--one-producer", "--size=8M")
    near, far, here, there, relay = pair(near, far, relay=True)
    here.await_line("connected")
    writer = write(near, 400, largest=2000000)
    reader = read(far, 400, largest=2000000)
    for step in (relay.reset, lambda: here.kill().start(), relay.reset,
                 lambda: there.kill().start()):
        time.sleep(0.3)
        step()
    must_end(writer, reader)


def one_small_one():
    """one message alone goes out at once"""
    near, far, _, _, _ = pair()
    must_end(write(near, 1), read(far, 1))


def no_matter_which_comes_first():
    """what was written before any bridge ran comes out; either side may be
    there first"""
    near, far, port = new_name(), new_name(), free_port()
    create(near, "--one-consumer")
    must_end(write(near, 1000))
    here = out(near, port)
    here.await_line("does not answer")
    there = into(port, far)
    must_end(read(far, 1000))
    there.end()
    here.end()


def kill_in_turn(near, far, here, there, relay=None, kills=KILLS):
    many = 15 * MESSAGES
    writer, reader = write(near, many), read(far, many)
    for i in range(kills):
        time.sleep(random.uniform(0.02, 0.3))
        if relay and i % 3 == 2:
            relay.reset()
        else:
            (here, there)[i % 2].kill().start()
        if writer.poll() is not None:
            # More for the rest of the kills.
            must_end(writer, reader)
            writer, reader = write(near, many), read(far, many)
    must_end(writer, reader)


def killed_bridges():
    """nothing is lost, doubled or out of order when either bridge is
    killed"""
    near, far, here, there, _ = pair()
    kill_in_turn(near, far, here, there)


def killed_bridges_and_resets():
    """the same when connections are reset as well"""
    near, far, here, there, relay = pair(relay=True)
    kill_in_turn(near, far, here, there, relay)


def many_producers_at_the_far_end():
    """the same into a channel for many producers"""
    near, far = new_name(), new_name()
    create(far)
    kill_in_turn(near, far, *pair(near, far)[2:4])


def resets():
    """resets of the connection while messages pass lose nothing"""
    near, far, here, _, relay = pair(relay=True)
    here.await_line("connected")
    writer, reader = write(near, 40 * MESSAGES), read(far, 40 * MESSAGES)
    while reader.poll() is None:
        time.sleep(0.15)
        relay.reset()
    must_end(writer, reader)
    assert relay.accepted > 1


def stopped_bridges():
    """a bridge that is stopped for a while goes on"""
    near, far, here, there, _ = pair()
    writer, reader = write(near, 5 * MESSAGES), read(far, 5 * MESSAGES)
    for bridge in (here, there) * 2:
        bridge.process.send_signal(signal.SIGSTOP)
        time.sleep(0.7)
        bridge.process.send_signal(signal.SIGCONT)
        time.sleep(0.05)
    must_end(writer, reader)


def subscribers():
    """a broadcast channel is carried, to two places, by two bridges that are
    subscribers"""
    near = new_name()
    create(near, "--broadcast")
    ends = [pair(near) for _ in range(2)]
    for end in ends:
        end[2].await_line("connected")
    readers = [read(end[1], MESSAGES) for end in ends]
    must_end(write(near, MESSAGES), *readers)


def subscribers_and_resets():
    """a broadcast channel is sent again from where it lies"""
    near = new_name()
    create(near, "--broadcast")
    near, far, here, there, relay = pair(near, relay=True)
    here.await_line("connected")
    writer, reader = write(near, 20 * MESSAGES), read(far, 20 * MESSAGES)
    for _ in range(5):
        time.sleep(0.2)
        relay.reset()
    there.kill().start()
    must_end(writer, reader)
    assert not here.says("overwritten"), here.log


def fan_in():
    """several bridges write into one channel, each in its order"""
    far, port = new_name(), free_port()
    nears = [new_name() for _ in range(3)]
    into(port, far)
    for near in nears:
        out(near, port)
    must_end(*[write(near, MESSAGES, source)
               for source, near in enumerate(nears)],
             read(far, MESSAGES, sources=len(nears)))


def many_readers_at_the_near_end():
    """a channel for many readers is carried one message at a time, and no
    kill loses or doubles one"""
    near, far = new_name(), new_name()
    create(near)
    near, far, here, there, _ = pair(near, far)
    writer, reader = write(near, 3000), read(far, 3000)
    here.await_line("one message at a time")
    for bridge in here, there, here, there:
        time.sleep(0.1)
        bridge.kill().start()
    must_end(writer, reader)


def a_second_bridge_waits():
    """of two bridges into one channel the second waits for the end of the
    first"""
    near, far, here, there, _ = pair()
    must_end(write(near, 10), read(far, 10))
    second = into(free_port(), far)
    second.await_line("another bridge writes into the channel")
    assert (SHM / (far + ".bridge")).exists()


if __name__ == "__main__":
    run(all_sizes, large_ones_on_a_bad_day, one_small_one, no_matter_which_comes_first, killed_bridges,
        killed_bridges_and_resets, many_producers_at_the_far_end, resets,
        stopped_bridges, subscribers, subscribers_and_resets,
        fan_in, many_readers_at_the_near_end, a_second_bridge_waits)
