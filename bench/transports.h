/* SPDX-License-Identifier: MIT */
/*
 * Every transport that there is; which were built, transports.c knows.
 */
#ifndef BENCH_TRANSPORTS_H
#define BENCH_TRANSPORTS_H

#include "transport.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ours.c */
extern const struct transport transport_one_one, transport_many_many;
extern const struct transport transport_one_one_copied;
extern const struct transport transport_many_many_copied;
extern const struct transport transport_one_one_pieces;
extern const struct transport transport_many_many_pieces;
extern const struct transport transport_one_one_channel;
extern const struct transport transport_many_many_channel;

/* ours_broadcast.c */
extern const struct transport transport_broadcast_one;
extern const struct transport transport_broadcast_many;
extern const struct transport transport_broadcast_channel;

/* peers/ */
extern const struct transport transport_pipe;
extern const struct transport transport_unix_stream;
extern const struct transport transport_unix_seqpacket;
extern const struct transport transport_posix_mq;
extern const struct transport transport_boost_message_queue;
extern const struct transport transport_boost_spsc_queue;
extern const struct transport transport_ck_spsc;
extern const struct transport transport_ck_mpmc;
extern const struct transport transport_rte_spsc;
extern const struct transport transport_rte_mpmc;
extern const struct transport transport_qb;
extern const struct transport transport_zeromq;
extern const struct transport transport_nng;
extern const struct transport transport_pipe_each;
extern const struct transport transport_boost_message_queue_each;
extern const struct transport transport_boost_spsc_queue_each;
extern const struct transport transport_zeromq_publish;
extern const struct transport transport_iceoryx;

/* Those that were built, ours first; ends with NULL. */
extern const struct transport *const transports[];
/* Names of those that were not, for the report; ends with NULL. */
extern const char *const transports_missing[];

#ifdef __cplusplus
}
#endif
#endif
