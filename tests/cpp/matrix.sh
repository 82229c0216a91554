#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles the tests of the C++ headers by one compiler, in every standard from
# C++17 on that it knows, and runs them:
#     matrix.sh COMPILER SOURCE_ROOT LIBRARY
# Each header alone, too, and what must not compile.
set -eu
export LC_ALL=C # messages are looked into
compiler=$1 source=$2 library=$3
if ! command -v "$compiler" >/dev/null; then
    echo "skipped: $compiler is not here"
    exit 77
fi
here=$source/tests/cpp
work=$(mktemp -d "${TMPDIR:-/tmp}/shmipc-cpp.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# compile FLAGS...: in $standard, warnings being errors
compile() {
    "$compiler" "-std=$standard" -O2 -Wall -Wextra -pedantic -Wconversion \
        -Wsign-conversion -Wshadow -Wold-style-cast \
        -Wzero-as-null-pointer-constant -Wextra-semi -Wundef -Werror \
        "-I$source/include" "$@"
}

# run_test NAME FLAGS...: compiles NAME.cpp and runs it
run_test() {
    name=$1
    shift
    compile "$@" "$here/$name.cpp" -o "$work/$name" "$library" -pthread \
        "-Wl,-rpath,$(dirname "$library")"
    "$work/$name" >"$work/log" || {
        cat "$work/log"
        exit 1
    }
}

# program STATEMENTS: a program that has what they need
program() {
    cat <<END
#include <shmipc/ipc.hpp>
#include <string>
struct Tick { int id; double price; };
struct alignas(128) Apart { char bytes[128]; };
void f(shmipc::Channel &channel, shmipc::Channel &other, Tick &tick);
void f(shmipc::Channel &channel, shmipc::Channel &other, Tick &tick)
{
    (void)channel, (void)other, (void)tick;
    $1
}
END
}

# refuses MESSAGE STATEMENTS: they do not compile, for that reason
refuses() {
    program "$2" >"$work/refused.cpp"
    if compile -fsyntax-only "$work/refused.cpp" 2>"$work/log"; then
        echo "$compiler -std=$standard: was not refused: $2"
        exit 1
    fi
    grep -q "$1" "$work/log" || {
        cat "$work/log"
        echo "$compiler -std=$standard: refused for another reason: $2"
        exit 1
    }
}

refuse_what_is_wrong() {
    # What surrounds it is right.
    program 'shmipc::TypedChannel<Tick> ticks(std::move(channel));
             ticks.write(tick);
             shmipc::TypedChannel<Apart>().read();' >"$work/right.cpp"
    compile -fsyntax-only -Wno-unused-result "$work/right.cpp"

    refuses 'not trivially copyable' \
        'shmipc::TypedChannel<std::string> wrong;'
    refuses 'an address means nothing' 'shmipc::TypedChannel<int *> wrong;'
    refuses 'const or volatile' 'shmipc::TypedChannel<const int> wrong;'
    refuses 'no entry is aligned that much' \
        'if (shmipc::TypedChannel<Apart>().peek()) return;'
    refuses 'no entry is aligned that much' \
        'if (shmipc::TypedChannel<Apart>().reserve()) return;'
    deleted='deleted\|implicitly-deleted'
    refuses "$deleted" 'shmipc::Channel copy(channel);'
    refuses "$deleted" 'channel = other;'
    refuses "$deleted" 'auto a = channel.read(); auto b = a;'
    refuses "$deleted" 'auto a = channel.peek(); auto b = a;'
    refuses "$deleted" 'auto a = channel.reserve(8); auto b = a;'
    ignored='nodiscard\|unused-result'
    refuses "$ignored" 'channel.try_write("lost?");'
    refuses "$ignored" 'channel.read();'
    refuses "$ignored" 'channel.peek();'
    refuses "$ignored" 'channel.reserve(8);'
    refuses 'could not convert\|no matching\|no viable' \
        'int *pointers[2] = {}; channel.write(pointers);'
    refuses 'no matching\|could not convert\|no viable' \
        'std::string texts[2]; channel.write(texts);'
    refuses 'no matching\|cannot convert\|no viable\|could not convert' \
        'const int value = 1; channel.write(value);'
}

check_headers() {
    for header in "$source"/include/shmipc/ipc.hpp \
        "$source"/include/shmipc/cpp/*.hpp; do
        header=${header#"$source"/include/}
        printf '#include <%s>\n#include <%s>\nint main() {}\n' "$header" \
            "$header" >"$work/alone.cpp"
        compile -fsyntax-only "$work/alone.cpp"
    done
}

knows_standard() {
    echo 'int main() {}' | "$compiler" -x c++ "-std=$standard" -fsyntax-only \
        - 2>/dev/null
}

count=0
for standard in c++17 c++20 c++2b; do
    if ! knows_standard; then
        echo "$compiler does not know $standard: not tried"
        continue
    fi
    for test in test_channel test_guards test_tap test_typed test_errors \
        test_service test_held test_subscribe; do
        run_test "$test"
    done
    run_test no_exceptions -fno-exceptions -fno-rtti
    # Nothing in these depends on the standard.
    if [ "$count" -eq 0 ]; then
        check_headers
        refuse_what_is_wrong
    fi
    echo "$compiler -std=$standard"
    count=$((count + 1))
done
# Before C++17 there is a sentence, not a flood.
standard=c++14
program '' >"$work/old.cpp"
if compile -fsyntax-only "$work/old.cpp" 2>"$work/log"; then
    echo "$compiler -std=c++14: was not refused"
    exit 1
fi
grep -q 'ipc.hpp needs C++17' "$work/log"
[ "$count" -gt 0 ] || {
    echo "skipped: $compiler knows no C++17"
    exit 77
}
