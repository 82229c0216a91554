#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles one public header alone, twice included, with a compiler and flags:
#     compile.sh c|c++ INCLUDE_DIR HEADER STANDARDS COMPILER FLAGS...
# once for each of the STANDARDS, a list of words. Optimised, since some
# warnings come from flow analysis only.
set -eu
language=$1
include=$2
header=$3
standards=$4
shift 4

work=$(mktemp -d "${TMPDIR:-/tmp}/shmipc-header.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# What IPC_RESULT makes is called too, so that it is compiled and not only
# parsed. In a header, since that is where users write it too: clang complains
# about unused functions of a main file.
cat >"$work/results.h" <<END
IPC_RESULT(AloneResult, int, IpcEntry)
IPC_RESULT_UNIT(AloneUnitResult, IpcEntry)
END
cat >"$work/alone.$language" <<END
#include <shmipc/$header>
#include <shmipc/$header>
#include <shmipc/ipc_common.h> /* which ipc_export.h has no need of */
#include "results.h"

int alone(IpcEntry entry, int size);
int alone(IpcEntry entry, int size)
{
    AloneResult r = size ? AloneResult_ok(IPC_OK, size)
                         : AloneResult_error_body(IPC_ERR_TOO_SMALL, "", entry);
    AloneUnitResult u = size > 1 ? AloneUnitResult_ok(IPC_EMPTY)
                                 : AloneUnitResult_error(IPC_ERR_LOCKED, "");

    if (AloneResult_is_error(r))
        return AloneResult_is_error_has_body(r.error) ? -1 : -2;
    return AloneUnitResult_is_ok(u) ? r.result : -3;
}
END

for standard in $standards; do
    printf '%s -std=%s %s\n' "$1" "$standard" "$header"
    "$@" "-std=$standard" "-I$include" -O2 -Werror -x "$language" \
        -c "$work/alone.$language" -o "$work/alone.o"
done
