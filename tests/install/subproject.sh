#!/bin/sh
# SPDX-License-Identifier: MIT
# Another project has this one in subprojects/, asks for it by its name, and
# gets the library and nothing else. Speaks TAP.
#
#     subproject.sh SOURCE_ROOT [all]
#
# Ways to build are tried two at a time; with "all" each by itself as well.
set -eu
source=$1
MESON=${MESON:-meson}
work=$(mktemp -d "${TMPDIR:-/tmp}/shmipc-subproject.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
unset DESTDIR MESON_TESTTHREADS MESON_TEST_ITERATION

mkdir -p "$work/project/subprojects"
ln -s "$source" "$work/project/subprojects/shmipc"
cp "$source/tests/install/project/classic.c" "$work/project"
# As it is but for where it comes from: what is there is taken.
sed 's/^directory = .*/directory = shmipc/' "$source/packages/shmipc.wrap" \
    >"$work/project/subprojects/shmipc.wrap"
cat >"$work/project/meson.build" <<'END'
project('parent', 'c', version: '7', default_options: ['c_std=c11'])
shmipc = dependency('shmipc', version: '>=0.1')
test('classic', executable('classic', 'classic.c', dependencies: shmipc))
END

count=0
# try NAME OPTIONS...
try() {
    count=$((count + 1))
    name=$1
    shift
    rm -rf "$work/build"
    set +e
    (
        set -e
        "$MESON" setup "$work/build" "$work/project" --wrap-mode=forcefallback \
            "$@"
        "$MESON" compile -C "$work/build"
        test "$("$work/build/classic")" = 'Received: 123'
        # Of this project nothing was built but the library.
        find "$work/build/subprojects/shmipc" -type f -perm -100 \
            ! -name 'libshmipc*' ! -path '*.p/*' >"$work/more"
        cat "$work/more"
        test ! -s "$work/more"
        "$MESON" test -C "$work/build" --list --no-rebuild | tee "$work/tests"
        test "$(grep -c . "$work/tests")" -eq 1
    ) >"$work/log" 2>&1
    code=$?
    set -e
    if [ "$code" -eq 0 ]; then
        echo "ok $count - a subproject, $name"
    else
        echo "not ok $count - a subproject, $name"
        tail -n 40 "$work/log" | sed 's/^/# /'
    fi
}

try 'shared and unity' -Dshmipc:default_library=shared -Dunity=on
try 'static, with link time optimization' -Dshmipc:default_library=static -Db_lto=true
if [ "${2:-}" = all ]; then
    try 'as it is'
    try 'both' -Dshmipc:default_library=both
    try 'both and unity' -Dshmipc:default_library=both -Dunity=on
    try 'static and unity' -Dshmipc:default_library=static -Dunity=on
    try 'shared, with link time optimization' -Dshmipc:default_library=shared \
        -Db_lto=true
    try 'without position independence or debugging' \
        -Dshmipc:default_library=static -Db_staticpic=false -Dbuildtype=release
fi
echo "1..$count"
