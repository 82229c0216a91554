# SPDX-License-Identifier: MIT
"""Mistakes in giving lines back to the producer."""
from mistake import Mutation

MUTATIONS = [
    Mutation(
        "lines-are-given-back-late", "--sc gives-back-inside",
        [("read.h",
          "block.position + blocks))\n        return false;\n"
          "    read_tell_block(b, dest, &block);",
          "block.position + blocks))\n        return false;\n"
          "    if (b->gives_below)\n"
          "        payload_give_back(position_payload(&b->ring,"
          " block.position),\n                          block.size);\n"
          "    read_tell_block(b, dest, &block);")]),
    Mutation(
        "lines-in-place-are-given-back-late", "--sc gives-back-in-place",
        [("inplace.h",
          "        give_lines(position_payload(&b->ring, head), size);\n",
          "        ;\n"),
         ("inplace.h",
          "    atomic_put_release(&b->ring.head->position, next);\n",
          "    atomic_put_release(&b->ring.head->position, next);\n"
          "    if (size > SHMIPC_BLOCK && give_pays(b, size))\n"
          "        give_lines(position_payload(&b->ring, head), size);\n")]),
    Mutation(
        "what-was-peeked-is-skipped-early", "--weak gives-back-in-place",
        [("inplace.h",
          "    atomic_put_release(&b->ring.head->position, next);",
          "    atomic_put_relaxed(&b->ring.head->position, next);")]),
    Mutation(
        "lines-are-given-back-by-many", "--sc gives-back-of-many",
        [("read.h",
          "    if (!b->ring.one_consumer)\n        payload_load_unowned",
          "    if (!b->ring.one_consumer && size >= GIVE_FROM)\n"
          "        give_load(to, from, size);\n"
          "    else if (!b->ring.one_consumer)\n"
          "        payload_load_unowned")]),
]
