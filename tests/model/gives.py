# SPDX-License-Identifier: MIT
"""Mistakes in giving lines back to the producer."""
from mistake import Mutation

MUTATIONS = [
    Mutation(
        "lines-are-given-back-late", "--sc gives-back",
        [("read.h",
          "    if (!read_take(b, &view, 1))\n        return false;\n"
          "    dest->offset",
          "    if (!read_take(b, &view, 1))\n        return false;\n"
          "    if (b->gives_below)\n"
          "        payload_give_back(position_payload(&b->ring,"
          " view.position),\n                          view.size);\n"
          "    dest->offset")]),
    Mutation(
        "lines-are-given-back-by-many", "--sc gives-back-of-many",
        [("read.h",
          "    if (!b->ring.one_consumer)\n        payload_load_unowned",
          "    if (!b->ring.one_consumer && size >= GIVE_FROM)\n"
          "        give_load(to, from, size);\n"
          "    else if (!b->ring.one_consumer)\n"
          "        payload_load_unowned")]),
]
