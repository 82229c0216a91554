/* SPDX-License-Identifier: MIT */
/*
 * Colour, and how wide the terminal is. Only terminals get either: a pipe, a
 * file, TERM=dumb or a NO_COLOR that is not empty gets plain text.
 */
#ifndef SHMIPC_TOOLS_STYLE_H
#define SHMIPC_TOOLS_STYLE_H

#include <stdbool.h>
#include <stdio.h>

enum style { STYLE_GOOD, STYLE_BAD, STYLE_WARN, STYLE_DIM, STYLE_BOLD };

bool style_is_terminal(FILE *stream);
bool style_has_colour(FILE *stream);
/* What to print before and after text, "" where there is no colour. */
const char *style_begin(FILE *stream, enum style style);
const char *style_end(FILE *stream);
/* For what is printed over what was printed before: from now on lines clear
 * what is left behind their end. */
void style_overwrite(bool does);
void style_end_line(FILE *stream);
/* Columns; 80 where nobody says. */
int style_width(FILE *stream);

#endif
