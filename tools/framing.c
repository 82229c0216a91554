/* SPDX-License-Identifier: MIT */
#include "framing.h"
#include <stddef.h>
#include <string.h>

bool framing_parse(const char *text, enum framing *framing)
{
    static const char *const names[] = {
        [FRAMING_LINES] = "lines", [FRAMING_LENGTH] = "length",
        [FRAMING_WHOLE] = "whole", [FRAMING_BYTES] = "bytes",
        [FRAMING_JSON] = "json",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(text, names[i]) == 0) {
            *framing = (enum framing)i;
            return true;
        }
    return false;
}
