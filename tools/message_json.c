/* SPDX-License-Identifier: MIT */
#include "message_json.h"
#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

/* How many bytes follow the first one of a character, or -1; and the least and
 * the most that the second one can be, which keeps out what is written longer
 * than needed, halves of pairs, and what is beyond the last character. */
static int follow_first(unsigned char first, unsigned char *least,
                        unsigned char *most)
{
    *least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    *most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    if (first < 0x80)
        return 0;
    if (first >= 0xc2 && first <= 0xdf)
        return 1;
    if (first >= 0xe0 && first <= 0xef)
        return 2;
    return first >= 0xf0 && first <= 0xf4 ? 3 : -1;
}

static bool is_text(const unsigned char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char least, most;
        int more = follow_first(bytes[i], &least, &most);

        if (more < 0 || (size_t)more > size - 1 - i)
            return false;
        for (; more > 0; more--, least = 0x80, most = 0xbf)
            if (bytes[++i] < least || bytes[i] > most)
                return false;
    }
    return true;
}

/* From malloc, or NULL. */
static char *encode(const unsigned char *bytes, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc((size + 2) / 3 * 4 + 1), *to = text;

    for (size_t i = 0; text && i < size; i += 3) {
        size_t some = size - i < 3 ? size - i : 3;
        unsigned bits = 0;

        for (size_t k = 0; k < 3; k++)
            bits = bits << 8 | (k < some ? bytes[i + k] : 0u);
        for (size_t k = 0; k < 4; k++)
            *to++ = k <= some ? digits[bits >> (18 - 6 * k) & 63] : '=';
    }
    if (text)
        *to = '\0';
    return text;
}

bool message_json_put(struct output *o, const IpcEntry *message)
{
    struct json_object *object = json_object_new_object();
    const unsigned char *bytes = message->payload;
    size_t length;
    const char *line;
    bool done;

    json_object_object_add(object, "offset",
                           json_object_new_uint64(message->offset));
    json_object_object_add(object, "size",
                           json_object_new_uint64(message->size));
    if (is_text(bytes, message->size)) {
        json_object_object_add(object, "text",
                               json_object_new_string_len((const char *)bytes,
                                                          (int)message->size));
    } else {
        char *encoded = encode(bytes, message->size);

        json_object_object_add(object, "base64",
                               json_object_new_string(encoded ? encoded : ""));
        if (!encoded)
            output_fail(o, ENOMEM);
        free(encoded);
    }
    line = json_object_to_json_string_length(
        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE,
        &length);
    done = output_put(o, line, length) && output_put(o, "\n", 1);
    json_object_put(object);
    return done;
}
