# SPDX-License-Identifier: MIT
"""The words of a channel's memory, to be read and damaged."""
import mmap
import os
import struct

from harness import path_of

# Of struct shm_region: where its words are.
VERSION, FLAGS, REGION_SIZE, BLOCKS, READY = 8, 12, 16, 24, 56
TAIL, HEAD, OWNERS = 64, 128, 320


def change(name, offset, what):
    with open(path_of(name), "r+b") as file:
        with mmap.mmap(file.fileno(), 0) as memory:
            memory[offset:offset + len(what)] = what


def word_at(name, offset):
    return struct.unpack("Q", os.pread(
        os.open(path_of(name), os.O_RDONLY), 8, offset))[0]
