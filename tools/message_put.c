/* SPDX-License-Identifier: MIT */
#include "message_put.h"
#include "message_json.h"
#include <string.h>

static bool put_line(struct output *o, const IpcEntry *message)
{
    const unsigned char *bytes = message->payload;
    unsigned char *to;

    if (message->size >= OUTPUT_SPACE_MAX)
        return output_through(o, bytes, message->size) &&
               output_put(o, "\n", 1);
    to = output_space(o, message->size + 1);
    if (!to)
        return false;
    memcpy(to, bytes, message->size);
    to[message->size] = '\n';
    /* A newline alone is an empty line. */
    o->used += message->size + (message->size > 1 || *bytes != '\n');
    return true;
}

static bool put_sized(struct output *o, const IpcEntry *message)
{
    unsigned char prefix[FRAMING_PREFIX];

    framing_put_size(prefix, (uint32_t)message->size);
    return output_put(o, prefix, sizeof prefix) &&
           output_put(o, message->payload, message->size);
}

bool message_put(struct output *o, enum framing framing,
                 const IpcEntry *message)
{
    switch (framing) {
    case FRAMING_LINES:
        return put_line(o, message);
    case FRAMING_LENGTH:
        return put_sized(o, message);
    case FRAMING_JSON:
        return message_json_put(o, message);
    default:
        return output_put(o, message->payload, message->size);
    }
}
