# SPDX-License-Identifier: MIT
"""Mistakes in the ring and the buffer."""
from mutation import Mutation

MUTATIONS = [
    Mutation(
        "mapping-one-byte-too-short-is-taken", "format.c", ["unit/format"],
        [("    if (size < *needed)", "    if (size < *needed - 1)")]),
]
