#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What takes bridges longer to find out than others like to wait.

    patience.py SHMIPC_BRIDGE SHMIPC FLOW
"""
import time

from bridges import (free_port, into, must_end, new_name, out, pair, read, run,
                     try_to_write, write)

MESSAGES = 200000


def a_partition():
    """a network that passes nothing for longer than a connection lives is
    waited for"""
    near, far, here, _, relay = pair(relay=True)
    writer, reader = write(near, MESSAGES), read(far, MESSAGES)
    here.await_line("connected")
    relay.holds = True
    time.sleep(7)
    relay.holds = False
    must_end(writer, reader)


def a_far_channel_that_stays_full_is_not_silence():
    """who waits longer for space than a connection may be silent is still
    connected"""
    near, far, port = new_name(), new_name(), free_port()
    into(port, far, "--size=64K")
    here = out(near, port, "--size=64K")
    here.await_line("connected")
    written = try_to_write(near)
    time.sleep(12)
    assert not here.says("silent"), here.log
    must_end(read(far, written))


if __name__ == "__main__":
    run(a_partition, a_far_channel_that_stays_full_is_not_silence)
