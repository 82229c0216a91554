/* SPDX-License-Identifier: MIT */
#include "transports.h"
#include "bench_config.h"

const struct transport *const transports[] = {
    &transport_one_one,
    &transport_many_many,
    &transport_one_one_copied,
    &transport_many_many_copied,
    &transport_one_one_pieces,
    &transport_many_many_pieces,
    &transport_one_one_channel,
    &transport_many_many_channel,
    &transport_broadcast_one,
    &transport_broadcast_many,
    &transport_broadcast_channel,
    &transport_pipe,
    &transport_unix_stream,
    &transport_unix_seqpacket,
    &transport_posix_mq,
    &transport_pipe_each,
#ifdef HAVE_PEER_BOOST
    &transport_boost_message_queue,
    &transport_boost_spsc_queue,
    &transport_boost_message_queue_each,
    &transport_boost_spsc_queue_each,
#endif
#ifdef HAVE_PEER_CK
    &transport_ck_spsc,
    &transport_ck_mpmc,
#endif
#ifdef HAVE_PEER_DPDK
    &transport_rte_spsc,
    &transport_rte_mpmc,
#endif
#ifdef HAVE_PEER_QB
    &transport_qb,
#endif
#ifdef HAVE_PEER_ZEROMQ
    &transport_zeromq,
    &transport_zeromq_publish,
#endif
#ifdef HAVE_PEER_NNG
    &transport_nng,
#endif
#ifdef HAVE_PEER_ICEORYX
    &transport_iceoryx,
#endif
    NULL,
};

const char *const transports_missing[] = {
#ifndef HAVE_PEER_BOOST
    "Boost",
#endif
#ifndef HAVE_PEER_CK
    "Concurrency Kit",
#endif
#ifndef HAVE_PEER_DPDK
    "DPDK rte_ring",
#endif
#ifndef HAVE_PEER_QB
    "libqb",
#endif
#ifndef HAVE_PEER_ZEROMQ
    "ZeroMQ",
#endif
#ifndef HAVE_PEER_NNG
    "nng",
#endif
#ifndef HAVE_PEER_ICEORYX
    "iceoryx",
#endif
    NULL,
};
