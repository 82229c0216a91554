/* SPDX-License-Identifier: MIT */
#include "style.h"
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_DEFAULT = 80 };

static bool overwrites;

bool style_is_terminal(FILE *stream)
{
    return isatty(fileno(stream));
}

bool style_has_colour(FILE *stream)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");

    if ((no && *no) || (term && strcmp(term, "dumb") == 0))
        return false;
    return style_is_terminal(stream);
}

const char *style_begin(FILE *stream, enum style style)
{
    static const char *const codes[] = {
        [STYLE_GOOD] = "\033[32m", [STYLE_BAD] = "\033[1;31m",
        [STYLE_WARN] = "\033[33m", [STYLE_DIM] = "\033[2m",
        [STYLE_BOLD] = "\033[1m",
    };

    return style_has_colour(stream) ? codes[style] : "";
}

const char *style_end(FILE *stream)
{
    return style_has_colour(stream) ? "\033[0m" : "";
}

void style_overwrite(bool does)
{
    overwrites = does;
}

void style_end_line(FILE *stream)
{
    fputs(overwrites ? "\033[K\n" : "\n", stream);
}

int style_width(FILE *stream)
{
    struct winsize size;

    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return WIDTH_DEFAULT;
}
