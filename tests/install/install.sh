#!/bin/sh
# SPDX-License-Identifier: MIT
# Builds and installs the library into a directory of its own and uses it from
# there as another project would. Speaks TAP, one line per promise, so that what
# cannot be tested here is skipped by name and not the whole.
#
#     install.sh SOURCE_ROOT DEFAULT_LIBRARY SANITIZE SOVERSION TOOLS
#
# TOOLS says whether there is what the program shmipc takes, true or false.
#
# CC, CXX (empty: there is none), MESON and PKG_CONFIG are taken from the
# environment. A fresh build, because installing from the build directory
# under test would overwrite the log that its `ninja uninstall` needs, and
# because the prefix in the pkg-config file has to be the real one.
set -eu

source=$1
libraries=$2
sanitize=$3
soversion=$4
tools=$5
CC=${CC:-cc}
CXX=${CXX-c++}
MESON=${MESON:-meson}
PKG_CONFIG=${PKG_CONFIG:-pkg-config}

work=$(mktemp -d "${TMPDIR:-/tmp}/shmipc-install.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
project=$source/tests/install/project
build=$work/build
prefix=$work/prefix
programs=$work/programs
log=$work/log
mkdir "$programs"

# What the outer run has set must not reach the inner one.
unset DESTDIR PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR LD_LIBRARY_PATH
unset MESON_TESTTHREADS MESON_TEST_ITERATION
export CC CXX
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"

sanitize_flags=
[ "$sanitize" = none ] || sanitize_flags="-fsanitize=$sanitize"

count=0
failures=0

# check NAME COMMAND...: one promise. What the command prints shows only when
# it fails.
check() {
    count=$((count + 1))
    name=$1
    shift
    # In a subshell of its own, so that `set -e` holds inside: a condition
    # would switch it off.
    set +e
    (set -e; "$@") >"$log" 2>&1
    code=$?
    set -e
    if [ "$code" -eq 0 ]; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        tail -n 60 "$log" | sed 's/^/# /'
        failures=$((failures + 1))
    fi
}

# skip NAME REASON
skip() {
    count=$((count + 1))
    echo "ok $count - $1 # SKIP $2"
}

# ------------------------------------------------------------------ building

install_library() {
    # c_args and others come by CFLAGS, if at all: what counts here is that
    # the result can be installed and used.
    "$MESON" setup "$build" "$source" --prefix "$prefix" --libdir lib \
        -Dtests=disabled -Dexamples=true -Ddefault_library="$libraries" \
        -Db_sanitize="$sanitize" -Db_lundef=false
    "$MESON" compile -C "$build"
    "$MESON" install -C "$build" --no-rebuild
}

# ----------------------------------------------------------- what is installed

list_installed() {
    # Uninstalling removes the directories too.
    [ ! -d "$prefix" ] || (cd "$prefix" && find . ! -type d | sort)
}

list_expected() {
    (cd "$source" && find ./include -name '*.h' -o -name '*.hpp')
    echo ./lib/pkgconfig/shmipc.pc
    echo ./lib/cmake/shmipc/shmipcConfig.cmake
    echo ./lib/cmake/shmipc/shmipcConfigVersion.cmake
    if has_shared; then
        echo ./lib/libshmipc.so
        echo "./lib/libshmipc.so.$soversion"
        echo "./lib/libshmipc.so.$version"
    fi
    ! has_static || echo ./lib/libshmipc.a
    ! "$tools" || list_tool
    list_manual
    for example in "$source"/examples/*.c "$source"/examples/*.cpp; do
        echo "./share/doc/shmipc/examples/${example##*/}"
    done
}

# A page for each function and header, and the same in HTML if mandoc is there.
list_manual() {
    {
        sed -n 's/^ *\(ipc_.*\);$/man3 \1 3/p' "$source/lib/shmipc.map"
        for header in "$source"/include/shmipc/*.h; do
            echo "man3 ${header##*/} 3"
        done
        echo 'man3 ipc_status 3'
        echo 'man7 shmipc 7'
    } >"$work/pages"
    while read -r folder name section; do
        echo "./share/man/$folder/$name.$section"
    done <"$work/pages"
    echo ./share/doc/shmipc/README.md
    for document in abi architecture bridge crashes design glossary guide migration \
        patterns recording; do
        echo "./share/doc/shmipc/docs/$document.md"
    done
    command -v mandoc >/dev/null || return 0
    while read -r folder name section; do
        echo "./share/doc/shmipc/html/$name.$section.html"
    done <"$work/pages"
    for page in "$source"/tools/*.1; do
        echo "./share/doc/shmipc/html/${page##*/}.html"
    done
    echo ./share/doc/shmipc/html/index.html
    echo ./share/doc/shmipc/html/shmipc.css
}

list_tool() {
    echo ./bin/shmipc
    echo ./share/bash-completion/completions/shmipc
    echo ./share/fish/vendor_completions.d/shmipc.fish
    echo ./share/man/man1/shmipc.1
    echo ./share/zsh/site-functions/_shmipc
    if "$PKG_CONFIG" --exists 'libzmq >= 4.3'; then
        echo ./libexec/shmipc/shmipc-bridge
        echo ./share/man/man1/shmipc-bridge.1
        echo ./lib/systemd/system/shmipc-bridge@.service
        echo ./share/doc/shmipc-bridge/examples/bridge.conf
    fi
}

files_are_the_expected() {
    list_installed >"$work/installed"
    list_expected | sort >"$work/expected"
    diff "$work/expected" "$work/installed"
}

# Links of documents to documents, examples and headers.
links_lead_somewhere() {
    find "$prefix/share/doc" -name '*.md' >"$work/documents"
    test -s "$work/documents"
    while read -r document; do
        grep -o ']([^)#]*' "$document" | sed 's/^](//; /^https:/d; /^$/d' |
            sort -u >"$work/links"
        while read -r link; do
            [ -e "${document%/*}/$link" ] || echo "$document: $link"
        done <"$work/links"
    done <"$work/documents" >"$work/dead"
    cat "$work/dead"
    test ! -s "$work/dead"
}

# debian/tests/examples does as they say.
# shellcheck disable=SC2016
examples_say_what_they_need() {
    for example in "$prefix"/share/doc/shmipc/examples/*.c*; do
        grep "c[c+]* .*${example##*/} "'$(pkg-config --cflags --libs shmipc' \
            "$example"
    done
    grep 'libs shmipc liburing)' "$prefix/share/doc/shmipc/examples/own_ring.c"
}

pkg_config_tells_where() {
    "$PKG_CONFIG" --exists --print-errors shmipc
    "$PKG_CONFIG" --validate shmipc
    set -x
    test "$("$PKG_CONFIG" --modversion shmipc)" = "$version"
    test "$("$PKG_CONFIG" --variable=includedir shmipc)" = "$prefix/include"
    test "$("$PKG_CONFIG" --variable=libdir shmipc)" = "$prefix/lib"
}

# The tool needs no library of ours, so it works wherever it is put.
tool_runs() {
    test "$("$prefix/bin/shmipc" --version)" = "shmipc $version"
}

has_soname() {
    readelf -d "$prefix/lib/libshmipc.so" | tee "$work/dynamic"
    grep "SONAME.*\\[libshmipc\\.so\\.$soversion\\]" "$work/dynamic"
}

# ------------------------------------------------------------------ using it

has_shared() { [ "$libraries" != static ]; }
has_static() { [ "$libraries" != shared ]; }

needs_library() {
    readelf -d "$1" | grep -q "NEEDED.*\\[libshmipc\\.so\\.$soversion\\]"
}

lacks_library() {
    if needs_library "$1"; then
        echo "$1 still needs the shared library"
        exit 1
    fi
}

# run PROGRAM: the classic prints, the others take the version.
run() {
    case ${1##*/} in
    classic*) test "$("$1")" = 'Received: 123' ;;
    *) "$1" "$version" ;;
    esac
}

# compile OUTPUT SOURCE FLAGS...
compile() {
    output=$1
    file=$2
    shift 2
    # CC and flags are lists of words.
    # shellcheck disable=SC2086
    case $file in
    *.cpp) $CXX -std=c++17 -Wall -Wextra -Wpedantic -Werror -pthread \
        $sanitize_flags "$project/$file" "$@" -o "$output" ;;
    *) $CC -std=c11 -Wall -Wextra -Wpedantic -Werror $sanitize_flags \
        "$project/$file" "$@" -o "$output" ;;
    esac
}

use_shared() {
    program=$programs/$1-shared
    # shellcheck disable=SC2046
    compile "$program" "$1" $("$PKG_CONFIG" --cflags --libs shmipc)
    readelf -d "$program"
    needs_library "$program"
    LD_LIBRARY_PATH=$prefix/lib run "$program"
}

use_example() {
    # shellcheck disable=SC2046,SC2086
    $CC -std=c11 -Wall -Wextra -Werror $sanitize_flags \
        "$prefix/share/doc/shmipc/examples/hello.c" -o "$programs/example" \
        $("$PKG_CONFIG" --cflags --libs shmipc)
    test "$(LD_LIBRARY_PATH=$prefix/lib "$programs/example")" = 'Received: 123'
}

# With both libraries installed the linker takes the shared one, so the name
# of the archive is put where -lshmipc stood.
use_archive() {
    program=$programs/$1-archive
    flags=$("$PKG_CONFIG" --static --cflags --libs shmipc |
        sed 's/-lshmipc/-l:libshmipc.a/')
    # shellcheck disable=SC2086
    compile "$program" "$1" $flags
    readelf -d "$program"
    lacks_library "$program"
    run "$program"
}

use_wholly_static() {
    program=$programs/$1-static
    # shellcheck disable=SC2046
    compile "$program" "$1" -static \
        $("$PKG_CONFIG" --static --cflags --libs shmipc)
    readelf -d "$program"
    lacks_library "$program"
    run "$program"
}

links_statically() {
    # shellcheck disable=SC2086
    echo 'int main(void) { return 0; }' | $CC -static -x c - -o "$work/static"
}

# The tree has moved; pkg-config is told to believe its own eyes.
use_moved() {
    cp -a "$prefix" "$work/moved"
    export PKG_CONFIG_PATH="$work/moved/lib/pkgconfig"
    flags=$("$PKG_CONFIG" --define-prefix --cflags --libs shmipc)
    case $flags in
    *"$prefix"*)
        echo "still the old prefix: $flags"
        exit 1
        ;;
    esac
    # shellcheck disable=SC2086
    compile "$programs/moved" consumer.c $flags
    LD_LIBRARY_PATH=$work/moved/lib run "$programs/moved"
}

# use_from_meson true|false: whether to prefer the static library
use_from_meson() {
    "$MESON" setup "$work/user-$1" "$project" -Dprefer_static="$1" \
        -Db_sanitize="$sanitize" -Db_lundef=false
    "$MESON" compile -C "$work/user-$1"
    for program in classic original c cpp wrapped; do
        if [ "$1" = true ]; then
            lacks_library "$work/user-$1/$program"
        else
            needs_library "$work/user-$1/$program"
        fi
        # No LD_LIBRARY_PATH: Meson gives its own build an rpath.
        run "$work/user-$1/$program"
    done
}

# use_from_cmake PREFIX: by the package files that are installed there.
use_from_cmake() {
    rm -rf "$work/cmake"
    cmake -S "$project" -B "$work/cmake" -DCMAKE_PREFIX_PATH="$1" \
        -DWANTED="$version" -DCMAKE_C_FLAGS="$sanitize_flags" \
        -DCMAKE_CXX_FLAGS="$sanitize_flags"
    cmake --build "$work/cmake"
    for program in classic original consumer wrapped; do
        if has_shared; then
            needs_library "$work/cmake/$program-shmipc"
        else
            lacks_library "$work/cmake/$program-shmipc"
        fi
        run "$work/cmake/$program-shmipc"
        has_static || continue
        lacks_library "$work/cmake/$program-static"
        run "$work/cmake/$program-static"
    done
}

cmake_refuses_another_version() {
    for wanted in 0.0.9 1.0 99; do
        ! cmake -S "$project" -B "$work/cmake-$wanted" -DWANTED=$wanted \
            -DCMAKE_PREFIX_PATH="$prefix" >"$work/said" 2>&1 || exit 1
        grep 'version: ' "$work/said"
    done
}

nothing_is_left() {
    "${NINJA:-ninja}" -C "$build" uninstall
    list_installed >"$work/left"
    test ! -s "$work/left" || {
        cat "$work/left"
        exit 1
    }
}

# ------------------------------------------------------------------- the plan

check 'a fresh build is installed' install_library
if [ "$failures" -ne 0 ]; then
    echo 'Bail out! there is nothing to use'
    exit 1
fi
version=$("$PKG_CONFIG" --modversion shmipc || echo unknown)

check 'the headers, libraries and pkg-config file are there, no more' \
    files_are_the_expected
check 'pkg-config tells version and places' pkg_config_tells_where
check 'installed examples say what they need' examples_say_what_they_need
check 'links in the installed documents lead somewhere' links_lead_somewhere
if has_shared; then
    check "the shared library is called libshmipc.so.$soversion" has_soname
else
    skip 'the name of the shared library' 'this build is static only'
fi

if "$tools"; then
    check 'the tool runs' tool_runs
else
    skip 'the tool runs' 'json-c or zlib is not installed'
fi

for file in classic.c original.c consumer.c consumer.cpp wrapped.cpp; do
    if [ "${file##*.}" = cpp ] && [ -z "$CXX" ]; then
        skip "$file" 'no C++ compiler'
        continue
    fi
    if has_shared; then
        check "$file uses the shared library" use_shared "$file"
    else
        skip "$file uses the shared library" 'this build is static only'
    fi
    if ! has_static; then
        skip "$file uses the static library" 'this build is shared only'
        continue
    fi
    check "$file uses the static library" use_archive "$file"
    if [ -n "$sanitize_flags" ]; then
        skip "$file is wholly static" 'sanitizers need a dynamic program'
    elif ! links_statically >/dev/null 2>&1; then
        skip "$file is wholly static" 'there is no static C library'
    else
        check "$file is wholly static" use_wholly_static "$file"
    fi
done

if has_shared; then
    check 'an installed example compiles and runs' use_example
    check 'an installed tree can be moved' use_moved
else
    skip 'an installed example' 'this build is static only'
    skip 'an installed tree can be moved' 'this build is static only'
fi
for static in false true; do
    name="a Meson project uses it, prefer_static=$static"
    if [ -z "$CXX" ]; then
        skip "$name" 'no C++ compiler'
    elif [ $static = true ] && ! has_static; then
        skip "$name" 'this build is shared only'
    elif [ $static = false ] && ! has_shared; then
        skip "$name" 'this build is static only'
    else
        check "$name" use_from_meson "$static"
    fi
done
if [ -z "$CXX" ] || ! command -v cmake >/dev/null; then
    skip 'a CMake project uses it' 'no C++ compiler, or no CMake'
else
    check 'a CMake project uses it' use_from_cmake "$prefix"
    cp -a "$prefix" "$work/moved-cmake"
    check 'a CMake project uses a tree that was moved' \
        use_from_cmake "$work/moved-cmake"
    check 'CMake is refused a version that this is not' \
        cmake_refuses_another_version
fi
check 'uninstalling leaves no file' nothing_is_left

echo "1..$count"
