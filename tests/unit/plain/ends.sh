#!/bin/sh
# SPDX-License-Identifier: MIT
# The plain runner tells how tests end:
#     ends.sh PROGRAM
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/shmipc-plain.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# expect STATUS ARGUMENTS...: against what is on the standard input
expect() {
    wanted=$1
    shift
    status=0
    # Where programs are of another machine Meson says what runs them.
    # shellcheck disable=SC2086
    ${MESON_EXE_WRAPPER-} "$program" "$@" >"$work/got" 2>"$work/err" ||
        status=$?
    sed 's|[^ ]*/\(ends\.c\):[0-9]*|\1|' "$work/got" | diff - "$work/want"
    if [ "$status" -ne "$wanted" ]; then
        echo "$*: exited with $status instead of $wanted"
        exit 1
    fi
}

program=$1
unset SHMIPC_PATIENCE
cat >"$work/want" <<'END'
TAP version 13
1..9
ok 1 - ends::well
not ok 2 - ends::with_a_failure
# ended with 1
# one failure
not ok 3 - ends::with_a_wrong_condition
# ended with 1
# ends.c: began == 2
not ok 4 - ends::with_a_failure_in_a_child
# ended with 0
# a child's failure
ok 5 - ends::early_since_it_cannot # SKIP here is no moon
not ok 6 - ends::by_a_signal
# ended by signal 9
not ok 7 - ends::before_it_has_ended
# ended with 0
not ok 8 - ends::never
# had not ended after 0.25 s
ok 9 - other::has_no_beginning
END
expect 1
grep -q '^not ok 1 - this is no result$' "$work/err"
# Of the two that went to their ends.
[ "$(grep -c "^the suite's end\$" "$work/err")" -eq 2 ]
grep -q '^told$' "$work/err"
expect 0 --always-succeed

cat >"$work/want" <<'END'
TAP version 13
1..1
ok 1 - other::has_no_beginning
END
expect 0 --filter 'other/*'
