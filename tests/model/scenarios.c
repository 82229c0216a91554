/* SPDX-License-Identifier: MIT */
/*
 * The rings and what is done to them. Sizes: 40 bytes are one block, 104 two,
 * 168 three. Every call is also stopped at each of its steps (check.c).
 */
#include "model.h"

enum {
    ALONE = IPC_BUFFER_ONE_PRODUCER | IPC_BUFFER_ONE_CONSUMER,
    OLD = SHMIPC_RENEWAL_LAPS + 1,
};

#define P1          .flags = IPC_BUFFER_ONE_PRODUCER
#define C1          .flags = IPC_BUFFER_ONE_CONSUMER
#define P1C1        .flags = ALONE

/* The quick run's bounds: preemptions in a path, SC and weak memory. */
#define QUICK(s, w) .quick_sc = s, .quick_weak = w

/* Inner words were last renewed one renewal ago: as old as I6 allows. */
#define RENEWAL     .lap = 2 * SHMIPC_RENEWAL_LAPS, .age = {1, OLD, OLD, OLD}

const struct scenario scenarios[] = {
    /* many producers, many consumers */
    {"one-block", .blocks = 1, .script = "w40w40|w40|rr", QUICK(ANY, 2)},
    {"two-writers", .blocks = 2, .script = "w40w40|w40|rr", QUICK(ANY, 2)},
    {"known-room", .blocks = 3, .script = "w40w40w40|w40|rr", QUICK(2, 1)},
    {"three-writers", .blocks = 2, .script = "w40|w40|w40|r", QUICK(2, 1)},
    {"two-readers", .blocks = 2, .script = "w40w40w40|rr|rr", QUICK(3, 1)},
    {"two-and-two", .blocks = 2, .script = "w40w40|w40|r|rr", QUICK(2, 0)},
    {"two-block-entries", .blocks = 3, .script = "w104w104|w40|rr",
     QUICK(3, 2)},
    {"pad", .blocks = 3, .index = 2, .script = "w104|w40|rr", QUICK(ANY, 2)},
    {"pad-only", .blocks = 3, .index = 1, .script = "w168|w40|rr", QUICK(3, 1)},
    {"reserve", .blocks = 3, .script = "s168:40 w40|w40|rr", QUICK(3, 1)},
    {"abort", .blocks = 3, .script = "s104:0 w40|w40|rr", QUICK(3, 1)},
    {"peek", .blocks = 2, .script = "w40w40w40|pp|r", QUICK(ANY, 2)},
    {"full", .blocks = 1, .script = "w40w40|w40w40|r", QUICK(ANY, 2)},
    {"threads", .blocks = 2, .script = "w104w40|@a w40|rr", QUICK(2, 1)},
    {"batch", .blocks = 3, .script = "b104b40|w40|rr", QUICK(3, 2)},
    {"batch-read", .blocks = 3, .script = "b40b40b40|q|rr", QUICK(3, 2)},
    {"batch-wraps", .blocks = 3, .index = 2, .script = "b40b40b40|w40|q",
     QUICK(3, 1)},
    {"batch-gap", .blocks = 2, .script = "b40b40|w40|vrr", QUICK(2, 1)},
    /* arrays; entries of 64 bytes have a block each, those of 32 share one */
    {"array", .blocks = 3, .script = "a64a64|w40|rr", QUICK(ANY, ANY)},
    {"array-two-readers", .blocks = 3, .script = "a64a64a64w40|rr|rr",
     QUICK(3, 2)},
    {"array-read", .blocks = 3, .script = "a64a64w64|y64|rr", QUICK(ANY, ANY)},
    {"array-reads", .blocks = 2, .script = "a64a64|w40|y64|y64",
     QUICK(ANY, ANY)},
    {"array-split", .blocks = 2, .script = "a64a64a64|y64y64|r",
     QUICK(ANY, ANY)},
    {"array-shares", .blocks = 3, .script = "a32a32a32a32a32|ry32|y32",
     .small = true, QUICK(ANY, ANY)},
    {"array-copies", .blocks = 2, .script = "a60a60w40|y60", QUICK(ANY, ANY)},
    {"array-wraps", .blocks = 3, .index = 2, .script = "a64a64a64|w40|y64",
     QUICK(ANY, ANY)},
    {"array-pad", .blocks = 4, .index = 2, .script = "a64a64|w40|ry64",
     QUICK(ANY, ANY)},
    {"array-peek", .blocks = 2, .script = "a64a64w40|pp|r", QUICK(ANY, ANY)},
    {"array-force", .blocks = 2, .script = "a64a64|fr|r", QUICK(3, 2)},
    {"array-gap", .blocks = 2, .script = "a64a64|w40|vrr", QUICK(2, 1)},
    /* gaps */
    {"gap", .blocks = 2, .script = "w104|w40|vrr", QUICK(3, 1)},
    {"gap-of-laps", .blocks = 1, .script = "w40|w40w40|vrvr", QUICK(3, 1)},
    {"stale-revoker", .blocks = 1, .script = "w8w8|r|vr", .stale = 5,
     QUICK(3, 2)},
    {"gap-ahead", .blocks = 1, .script = "w8|vr|v", QUICK(ANY, 3)},
    {"gap-two-revokers", .blocks = 2, .script = "w104|vr|vr|w40", QUICK(2, 1)},
    {"gap-read", .blocks = 2, .script = "w40|w40|ggg", QUICK(3, 1)},
    {"force", .blocks = 2, .script = "w40|w40|fr", QUICK(3, 1)},
    /* deaths while others go on */
    {"death", .blocks = 1, .script = "w40|w40|vrr", .kills = 1, .killable = "a",
     QUICK(3, 2)},
    {"death-two-recover", .blocks = 2, .script = "w104|w40|vr|vr", .kills = 1,
     .killable = "a", QUICK(1, 0)},
    {"batch-death", .blocks = 2, .script = "b40b40|w40|vq", .kills = 1,
     .killable = "a", QUICK(2, 1)},
    {"array-death", .blocks = 2, .script = "a64a64|w40|vy64", .kills = 1,
     .killable = "a", QUICK(2, 1)},
    {"array-death-two-recover", .blocks = 2, .script = "a64a64|vy64|vr",
     .kills = 1, .killable = "a", QUICK(2, 1)},
    {"deaths", .blocks = 2, .script = "w40|w40|vrr", .kills = 2, QUICK(2, 1)},
    {"death-slot-reused", .blocks = 2, .script = "w40|w40|vr", .kills = 1,
     .killable = "a", .cold = true, .owners = 1, QUICK(3, 2)},
    {"registration", .blocks = 2, .script = "w40d|w40d|r", .cold = true,
     QUICK(ANY, 2)},
    /* modes */
    {"one-producer", .blocks = 2, .script = "w40w40w40|rr|r", P1,
     QUICK(ANY, ANY)},
    {"one-producer-known-room", .blocks = 3, .script = "w40w40w40|rr|r", P1,
     QUICK(ANY, ANY)},
    {"one-producer-pad", .blocks = 3, .index = 2, .script = "w104w40|rr|rv", P1,
     QUICK(3, 2)},
    {"one-producer-batch", .blocks = 3, .script = "b40b104w40|rr|r", P1,
     QUICK(3, 2)},
    {"one-producer-batch-heir", .blocks = 3, .script = "b40b40|w40|rr", P1,
     .kills = 1, .killable = "a", QUICK(3, 2)},
    {"one-producer-array-heir", .blocks = 3, .script = "a64a64|w40|rr", P1,
     .kills = 1, .killable = "a", QUICK(ANY, ANY)},
    {"one-producer-reserve", .blocks = 3, .script = "s104:40 s40:0 w40|rr|v",
     P1, QUICK(ANY, ANY)},
    {"one-producer-heir", .blocks = 2, .script = "w40w40|w40|rr", P1,
     .kills = 1, .killable = "a", QUICK(ANY, ANY)},
    {"one-consumer", .blocks = 2, .script = "w40w40|w40|rrr", C1, QUICK(3, 2)},
    {"stale-tail", .blocks = 2, .script = "w8w8w8|w8|rrr", C1, QUICK(3, 1)},
    {"one-consumer-recover", .blocks = 2, .script = "w104|w40|rr|v", C1,
     QUICK(2, 1)},
    {"one-consumer-heir", .blocks = 2, .script = "w40w40|rr|vrr", C1,
     .kills = 1, .killable = "b", QUICK(2, 1)},
    {"one-consumer-array-heir", .blocks = 3, .script = "a64a64a64|rr|vry64", C1,
     .kills = 1, .killable = "b", QUICK(2, 1)},
    {"one-and-one", .blocks = 2, .script = "w40w104w40|rprv", P1C1,
     QUICK(ANY, ANY)},
    {"one-and-one-batches", .blocks = 3, .script = "b40b40w40|qrq", P1C1,
     QUICK(ANY, ANY)},
    {"one-and-one-arrays", .blocks = 3, .script = "a64a64w64|y64ry64", P1C1,
     QUICK(ANY, ANY)},
    {"one-and-one-heirs", .blocks = 2, .script = "w40w40|rr|w40|rr", P1C1,
     .kills = 2, .killable = "ab", QUICK(1, 0)},
    /* laps whose low bits are zero */
    {"renewal", .blocks = 2, .script = "w104|w40w40w40|rrr", RENEWAL,
     QUICK(2, 1)},
    {"renewal-batch", .blocks = 3, .script = "b40b104|w40|q", RENEWAL,
     QUICK(2, 1)},
    {"renewal-array", .blocks = 3, .script = "a64a64a64|w40w40|y64rr", RENEWAL,
     QUICK(2, 1)},
    {"renewal-reserve", .blocks = 3, .script = "s168:40 w40w40|w40|rr", RENEWAL,
     QUICK(2, 1)},
    {"renewal-abort", .blocks = 3, .script = "s168:0 w40w40|w40|rr", RENEWAL,
     QUICK(2, 1)},
    {"renewal-pad", .blocks = 3, .script = "w40w168|w40|rrr", RENEWAL,
     QUICK(2, 1)},
    {"renewal-pad-late", .blocks = 3, .index = 1, .script = "w168|w40w40|rr",
     .lap = 2 * SHMIPC_RENEWAL_LAPS, QUICK(2, 1)},
    {"renewal-alone", .blocks = 3, .script = "w40w168w40|rr", RENEWAL, P1,
     QUICK(ANY, ANY)},
};
const unsigned scenario_count = sizeof scenarios / sizeof scenarios[0];
