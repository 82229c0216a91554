#!/bin/sh
# SPDX-License-Identifier: MIT
# A static library has no hidden names: all that it defines for its linker must
# begin with our prefixes, but for what the compiler adds to each object.
#     check_static.sh NM LIBRARY
set -eu
bad=$("$1" -g --defined-only "$2" |
    awk 'NF == 3 && $3 !~ /^(ipc_|shmipc_|__asan|__odr_asan|__tsan|__ubsan|__x86\.get_pc_thunk)/ {
             print $3
         }')
if [ -n "$bad" ]; then
    echo "names without a prefix, add them to lib/names.h:" >&2
    echo "$bad" >&2
    exit 1
fi
