#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles what users compile, with every compiler that is here, in every
# standard that it knows, warnings being errors:
#     matrix.sh SOURCE_ROOT [HEADER...]
# the README's programs, one that was written for the original interface,
# and each HEADER alone; and that it refuses calls which ought not to compile, as
# docs/migration.md says. The classic example's configuration has designators,
# which C++ has since C++20: older C++ is asked without -pedantic there.
set -eu
export LC_ALL=C # messages are looked into
source=$1
shift
headers=$*
project=$source/tests/install/project

work=$(mktemp -d "${TMPDIR:-/tmp}/shmipc-matrix.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

awk -v work="$work" '/^```c$/ {n++; on = 1; next} /^```$/ {on = 0}
    on {print > (work "/readme_" n ".c")}' "$source/README.md"
test -s "$work/readme_1.c"
test -s "$work/readme_2.c"
echo 'typedef int nothing;' >"$work/nothing.c"
for header in $headers; do
    printf '#include <shmipc/%s>\n#include <shmipc/%s>\n' "$header" \
        "$header" >"$work/${header%.h}.c"
    echo 'typedef int nothing;' >>"$work/${header%.h}.c"
done

# later NAME CALL: a call of later versions of the original
later() {
    cat >"$work/later_$1.c" <<END
#include <shmipc/ipc_channel.h>
void f(IpcChannel *channel, IpcEntry *entry, void *memory);
void f(IpcChannel *channel, IpcEntry *entry, void *memory)
{
    struct timespec timeout = {1, 0};
    (void)channel, (void)entry, (void)memory, (void)timeout;
    $2;
}
END
}
later create 'ipc_channel_create(memory, 4096)'
later config 'IpcChannelOpenError body; (void)body.config'
later used 'IpcChannelReadError body; (void)body.timeout_used'
later unit 'IpcChannelDestroyError body; (void)body._unit'
later read 'ipc_channel_read(channel, entry, &timeout)'
# What surrounds those calls is right.
later nothing ''

# Results that tell of a loss: each line is a warning, but where the program
# says that it does not care.
cat >"$work/ignores.h" <<'END'
#include <shmipc/shmipc.h>
#ifndef LOOK_AWAY
#define LOOK_AWAY(call) IPC_IGNORE(call)
#endif
void f(IpcChannel *channel, IpcEntry *entry, void *memory);
void f(IpcChannel *channel, IpcEntry *entry, void *memory)
{
    LOOK_AWAY(ipc_channel_write(channel, memory, 1));
    LOOK_AWAY(ipc_channel_write_blocking(channel, memory, 1));
    LOOK_AWAY(ipc_channel_try_read(channel, entry));
    LOOK_AWAY(ipc_channel_skip(channel, 0));
    LOOK_AWAY(ipc_buffer_create(memory, 1));
    LOOK_AWAY(ipc_mmap("/name", 1));
}
END
echo '#include "ignores.h"' >"$work/ignores_openly.c"
printf '#define LOOK_AWAY(call) call\n#include "ignores.h"\n' \
    >"$work/ignores.c"

# compile FILE FLAGS...: with $compiler, as $language in $standard
compile() {
    file=$1
    shift
    "$compiler" -x "$language" "-std=$standard" -Wall -Wextra -pedantic \
        -Werror "-I$source/include" "$@" -fsyntax-only "$file" || {
        echo "$compiler -std=$standard: $file"
        exit 1
    }
}

# refuses FILE: for an argument or a member, not for something else
refuses() {
    if "$compiler" -x "$language" "-std=$standard" "-I$source/include" \
        -fsyntax-only "$1" 2>"$work/log"; then
        echo "$compiler -std=$standard: $1 was not refused"
        exit 1
    fi
    grep -q 'few arguments\|many arguments\|no matching function\|no member' \
        "$work/log"
}

# refuses_short_enums FILE: results would have another shape than the library's
refuses_short_enums() {
    if "$compiler" -x "$language" "-std=$standard" "-I$source/include" \
        -fshort-enums -fsyntax-only "$1" 2>"$work/log"; then
        echo "$compiler -std=$standard: -fshort-enums was not noticed"
        exit 1
    fi
    grep -q IpcNeedsEnumsOfIntSoNoShortOnes "$work/log"
}

# warns COUNT FILE FLAGS...: about so many results that nobody looks at, which
# gcc sees only when it compiles
warns() {
    wanted=$1
    shift
    "$compiler" -x "$language" "-std=$standard" -Wall "-I$source/include" \
        -c "$@" -o "$work/warns.o" 2>"$work/log" || return 1
    if [ "$(grep -c 'warning: ' "$work/log")" -ne "$wanted" ]; then
        cat "$work/log"
        echo "$compiler -std=$standard $*: not $wanted warnings"
        exit 1
    fi
}

knows_standard() {
    "$compiler" -x "$language" "-std=$standard" -fsyntax-only \
        "$work/nothing.c" 2>/dev/null
}

classic_flags() {
    case $standard in
    c++11 | c++14 | c++17)
        # What clang calls a part of -pedantic is on without it, too.
        echo '-Wno-pedantic -Wno-c++20-extensions -Wno-c++20-designator'
        # C++11 has no initialisers of members, see ipc_channel_types.h.
        [ "$standard" != c++11 ] || echo -Wno-missing-field-initializers
        ;;
    esac
}

compile_all() {
    strict=
    [ "$language" = c ] ||
        strict='-Wold-style-cast -Wzero-as-null-pointer-constant'
    compile "$work/readme_1.c"
    compile "$work/readme_2.c"
    compile "$project/original.c"
    compile "$work/later_nothing.c"
    # shellcheck disable=SC2046
    compile "$project/classic.c" $(classic_flags)
    for header in $headers; do
        # shellcheck disable=SC2086
        compile "$work/${header%.h}.c" $strict
    done
    # All that clang knows, but for what is said of any C or of nothing.
    case $compiler in
    clang*) compile "$work/shmipc.c" -Weverything -Wno-padded \
        -Wno-unknown-warning-option -Wno-declaration-after-statement \
        -Wno-unsafe-buffer-usage -Wno-c++98-compat-pedantic \
        -Wno-empty-translation-unit -Wno-pre-c11-compat -Wno-pre-c23-compat ;;
    esac
    refuses_short_enums "$work/shmipc.c"
    warns 6 "$work/ignores.c"
    warns 0 "$work/ignores.c" -DIPC_IGNORE_UNUSED_RESULTS
    warns 0 "$work/ignores_openly.c"
    for call in create read config used unit; do
        refuses "$work/later_$call.c"
    done
    echo "$compiler -std=$standard"
    count=$((count + 1))
}

# with LANGUAGE COMPILER STANDARDS...
with() {
    language=$1
    compiler=$2
    shift 2
    if ! command -v "$compiler" >/dev/null; then
        echo "$compiler is not here: not tried"
        return
    fi
    for standard in "$@"; do
        if knows_standard; then
            compile_all
        else
            echo "$compiler does not know $standard: not tried"
        fi
    done
}

count=0
with c gcc c99 c11 c17 c2x
with c clang c99 c11 c17 c2x
with c++ g++ c++11 c++14 c++17 c++20 c++2b
with c++ clang++ c++11 c++14 c++17 c++20 c++2b
if [ "$count" -eq 0 ]; then
    echo 'SKIP: there is neither gcc nor clang'
    exit 77
fi
