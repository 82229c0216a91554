#!/bin/sh
# SPDX-License-Identifier: MIT
# Every C and C++ file is formatted as .clang-format says:
#     check_format.sh SOURCE_ROOT CLANG_FORMAT
# Only by version 14, since each version breaks some lines elsewhere.
set -eu
cd "$1"
if ! "$2" --version | grep -q 'version 14\.'; then
    printf 'skipped: not version 14: %s\n' "$("$2" --version)"
    exit 77
fi
find lib include tests bench examples tools \
    \( -name '*.[ch]' -o -name '*.cc' -o -name '*.[ch]pp' \) -print0 |
    xargs -0 "$2" --dry-run -Werror
