/* SPDX-License-Identifier: MIT */
/*
 * Who may connect: ZeroMQ asks for each connection with CURVE (ZAP, its RFC 27)
 * whether the key that it has proven to have is welcome. It is if the list of
 * that channel has it, which is read each time: who adds or removes a key needs
 * to tell nobody.
 */
#ifndef SHMIPC_BRIDGE_ZAP_H
#define SHMIPC_BRIDGE_ZAP_H

#include <stdbool.h>

struct zap;

/* Starts to answer for all sockets of the context; NULL, after a complaint.
 * Before any of them is opened. */
struct zap *zap_start(void *context);
/* What is asked about `domain` is answered by the list at `path`. Any thread;
 * false: no memory. */
bool zap_allow(struct zap *zap, const char *domain, const char *path);
/* Nobody is welcome there any more. */
void zap_forget(struct zap *zap, const char *domain);
void zap_stop(struct zap *zap);

#endif
