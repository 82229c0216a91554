# SPDX-License-Identifier: MIT
"""Mistakes in taps, and in what producers do for them."""
from mistake import Mutation, in_follow, in_protocol

MUTATIONS = [
    in_follow(
        "tap-does-not-look-again", "--sc tap",
        "    return ahead > (int64_t)r->block_count ? FOLLOW_OVERRUN"
        " : FOLLOW_ENTRY;",
        "    return FOLLOW_ENTRY;"),
    in_follow(
        "tap-believes-one-block-too-many", "--sc tap",
        "    return ahead > (int64_t)r->block_count ?",
        "    return ahead > (int64_t)r->block_count + 1 ?"),
    in_follow(
        "tap-believes-one-block-too-few", "--sc tap",
        "    return ahead > (int64_t)r->block_count ?",
        "    return ahead >= (int64_t)r->block_count ?"),
    in_follow(
        "tap-looks-before-it-copies", "--sc tap",
        "        if (look == LOOK_ENTRY && view->size <= room)\n"
        "            payload_load_unowned(to, take_payload(r, view),"
        " view->size);\n"
        "        found = judge(f);\n",
        "        found = judge(f);\n"
        "        if (look == LOOK_ENTRY && view->size <= room)\n"
        "            payload_load_unowned(to, take_payload(r, view),"
        " view->size);\n"),
    in_follow(
        "tap-without-its-fence", "--weak tap",
        "    atomic_fence_acquire();\n", ""),
    in_protocol(
        "no-fence-for-taps", "--weak tap",
        "    if (ATOMIC_KEEPS_ORDER || r->has_taps)", "    if (0)"),
    in_protocol(
        "fence-for-taps-comes-before-the-claim", "--weak tap",
        "    if (!atomic_cas_relaxed(&r->tail->position, plan.tail, next))\n"
        "        return false;\n"
        "    claim_tell_taps(r);\n",
        "    claim_tell_taps(r);\n"
        "    if (!atomic_cas_relaxed(&r->tail->position, plan.tail, next))\n"
        "        return false;\n"),
    in_protocol(
        "one-producer-does-not-say-what-it-intends", "--sc tap-one-producer",
        "            claim_intend(r, position_advance(r, plan.tail, blocks));\n",
        ""),
    in_protocol(
        "one-producer-intends-less-than-before", "--sc tap-one-producer-abort",
        "    if (r->has_taps &&\n"
        "        position_distance(r,"
        " atomic_get_relaxed(&r->tail->intended), end) > 0)",
        "    if (r->has_taps)"),
    in_protocol(
        "one-producer-has-no-fence-for-taps",
        "--weak tap-one-producer-one-block",
        "            claim_tell_taps(r);\n            return CLAIM_DONE;\n",
        "            return CLAIM_DONE;\n"),
    in_protocol(
        "what-is-intended-comes-without-tail",
        "--weak --stale 4 tap-one-producer-one-block",
        "        atomic_put_release(&r->tail->intended, end);",
        "        atomic_put_relaxed(&r->tail->intended, end);"),
    Mutation(
        "one-producer-with-taps-goes-the-plain-way",
        "--sc tap-one-producer-known-room",
        [("handle.h", "    return b->ring.has_taps ? ALONE_TAPPED : 0;",
          "    return 0;")]),
    in_follow(
        "tap-of-one-producer-goes-by-tail", "--sc tap-one-producer-unannounced",
        "    if (!r->one_producer)\n        return tail;\n",
        "    return tail;\n"),
    in_follow(
        "tap-of-one-producer-goes-by-the-lap", "--sc"
        " tap-one-producer-unannounced",
        "    return is_ahead(r, lap_end(r, tail), reach) ? lap_end(r, tail)"
        " : reach;",
        "    return tail & ~r->index_mask;"),
    in_follow(
        "tap-begins-at-any-word", "--sc tap-begins-inside",
        "    return control_tag(word) == position_tag(r, position) &&\n"
        "           control_state(word) != CONTROL_FREE;",
        "    return (void)word, true;"),
    in_follow(
        "tap-says-less-than-it-lost", "--sc tap-pad",
        "    *lost = f->offset - offset;",
        "    *lost = f->offset - position_offset(f->ring, from);"),
]
