# SPDX-License-Identifier: MIT
"""Mistakes in the path of entries of one block."""
from mistake import Mutation, in_protocol

MUTATIONS = [
    Mutation(
        "ready-before-payload-in-known-room", "--sc known-room",
        [("write.h",
          "        payload_store(block.payload, data, size);\n"
          "        claim_commit_block_alone(&b->ring, &block,"
          " (uint32_t)size);\n",
          "        claim_commit_block_alone(&b->ring, &block,"
          " (uint32_t)size);\n"
          "        payload_store(block.payload, data, size);\n"),
         ("write.h",
          "    payload_store(position_payload(&b->ring, block.position), data,"
          " size);\n"
          "    claim_commit_block(&b->ring, &block, (uint32_t)size);\n",
          "    claim_commit_block(&b->ring, &block, (uint32_t)size);\n"
          "    payload_store(position_payload(&b->ring, block.position), data,"
          " size);\n")]),
    Mutation(
        "copy-after-the-head-moved", "--sc two-readers",
        [("read.h",
          "    payload_load_unowned(to, take_block_payload(&b->ring, &block),"
          " (size_t)block.size);\n"
          "    /* Release [head]: as above. */\n"
          "    if (!atomic_cas_release(&b->ring.head->position,"
          " block.position,\n"
          "                            block.position + 1))\n"
          "        return false;\n",
          "    if (!atomic_cas_release(&b->ring.head->position,"
          " block.position,\n"
          "                            block.position + 1))\n"
          "        return false;\n"
          "    payload_load_unowned(to, take_block_payload(&b->ring, &block),"
          " (size_t)block.size);\n")]),
    Mutation(
        "copy-after-the-one-consumer-moved-head", "--sc one-consumer-heir",
        [("read.h",
          "        payload_load_owned(to, take_block_payload(&b->ring,"
          " &block), (size_t)block.size);\n", ""),
         ("read.h",
          "        atomic_put_release(&b->ring.head->position,"
          " block.position + 1);\n",
          "        atomic_put_release(&b->ring.head->position,"
          " block.position + 1);\n"
          "        payload_load_owned(to, take_block_payload(&b->ring,"
          " &block), (size_t)block.size);\n")]),
    Mutation(
        "block-is-taken-by-a-store", "--sc two-readers",
        [("read.h",
          "    if (!atomic_cas_release(&b->ring.head->position,"
          " block.position,\n"
          "                            block.position + 1))\n"
          "        return false;\n",
          "    atomic_put_release(&b->ring.head->position,"
          " block.position + 1);\n")]),
    in_protocol(
        "look-at-a-block-forgets-the-lap", "--sc two-writers",
        "since the state goes to the top. */\n"
        "    word -= (block->lap << 32) + CONTROL_READY;",
        "since the state goes to the top. */\n"
        "    word = (uint32_t)word - CONTROL_READY;"),
    in_protocol(
        "look-inside-forgets-the-lap", "--sc peek",
        "word = atomic_get_acquire(&r->control[block->index]);\n"
        "    word -= (block->lap << 32) + CONTROL_READY;",
        "word = atomic_get_acquire(&r->control[block->index]);\n"
        "    word = (uint32_t)word - CONTROL_READY;"),
    in_protocol(
        "room-of-a-block-in-another-lap", "--sc two-writers",
        "    return end - block->position - 1 < (end & r->index_mask);",
        "    return end != block->position;"),
]
