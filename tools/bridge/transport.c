/* SPDX-License-Identifier: MIT */
#include "bridge/transport.h"
#include <stdlib.h>

void transport_free(void *data, void *hint)
{
    (void)hint;
    free(data);
}

void transport_say(struct transport *t, const struct transport_peer *to,
                   struct wire_head head)
{
    if (!t)
        return;
    wire_swap_head(&head);
    (void)t->calls->send(t, to, &head, sizeof head, NULL, 0);
}
