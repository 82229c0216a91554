#!/bin/sh
# SPDX-License-Identifier: MIT
# Compiles the README's two programs against the build and runs them, each one
# first:
#     readme_example.sh README EXAMPLES INCLUDEDIR LIBRARY COMPILER...
set -eu
readme=$1 examples=$2 include=$3 library=$4
shift 4
dir=$(mktemp -d)
name=/shmipc-readme-$$-$(date +%s)
trap 'rm -rf "$dir" "/dev/shm$name"' EXIT

awk -v dir="$dir" '/^```c$/ {n++; on = 1; next} /^```$/ {on = 0}
    on {print > (dir "/" n ".c")}' "$readme"
# One text: the README shows what the examples hold.
for n in 1:send_price 2:receive_price; do
    sed -n '/^#include/,$p' "$examples/${n#*:}.c" | cmp - "$dir/${n%:*}.c"
    # Short, though every error is looked at.
    test "$(sed -n '/^int main/,/^}/p' "$dir/${n%:*}.c" | wc -l)" -lt 15
    # Beside other runs of this test.
    sed "s|/prices|$name|" "$dir/${n%:*}.c" >"$dir/${n#*:}.c"
    "$@" -std=c11 -Wall -Wextra -pedantic -Werror -I"$include" \
        -o "$dir/${n#*:}" "$dir/${n#*:}.c" "$library" \
        -Wl,-rpath,"$(dirname "$library")"
done

# Where programs are of another machine Meson says what runs them.
run() {
    # shellcheck disable=SC2086
    timeout 60 ${MESON_EXE_WRAPPER-} "$dir/$1"
}
run send_price
test "$(run receive_price)" = 42.17
run receive_price >"$dir/received" &
sleep 0.1
run send_price
wait $!
test "$(cat "$dir/received")" = 42.17
echo "both orders work"
