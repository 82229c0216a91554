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

"$dir/send_price"
test "$(timeout 60 "$dir/receive_price")" = 42.17
timeout 60 "$dir/receive_price" >"$dir/received" &
sleep 0.1
"$dir/send_price"
wait $!
test "$(cat "$dir/received")" = 42.17
echo "both orders work"
