#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles what users compile, with every compiler that is here, in every
# standard that it knows, warnings being errors:
#     matrix.sh SOURCE_ROOT [HEADER...]
# the README's example, the classic one and each HEADER alone. The classic
# example's configuration has designators, which C++ has since C++20: older C++ is
# asked without -pedantic there.
set -eu
source=$1
shift
headers=$*
project=$source/tests/install/project

work=$(mktemp -d "${TMPDIR:-/tmp}/shmipc-matrix.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

sed -n '/^```c$/,/^```$/p' "$source/README.md" | sed '/^```/d' \
    >"$work/readme.c"
test -s "$work/readme.c"
echo 'typedef int nothing;' >"$work/nothing.c"
for header in $headers; do
    printf '#include <shmipc/%s>\n#include <shmipc/%s>\n' "$header" \
        "$header" >"$work/${header%.h}.c"
    echo 'typedef int nothing;' >>"$work/${header%.h}.c"
done

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

knows_standard() {
    "$compiler" -x "$language" "-std=$standard" -fsyntax-only \
        "$work/nothing.c" 2>/dev/null
}

classic_flags() {
    case $standard in
    c++11 | c++14 | c++17)
        # What clang calls a part of -pedantic is on without it, too.
        echo '-Wno-pedantic -Wno-c++20-extensions -Wno-c++20-designator'
        # C++11 has no initialisers of members, see ipc_channel.h.
        [ "$standard" != c++11 ] || echo -Wno-missing-field-initializers
        ;;
    esac
}

compile_all() {
    strict=
    [ "$language" = c ] ||
        strict='-Wold-style-cast -Wzero-as-null-pointer-constant'
    compile "$work/readme.c"
    # shellcheck disable=SC2046
    compile "$project/classic.c" $(classic_flags)
    for header in $headers; do
        # shellcheck disable=SC2086
        compile "$work/${header%.h}.c" $strict
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
