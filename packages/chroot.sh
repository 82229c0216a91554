# SPDX-License-Identifier: MIT
# Clean roots for the scripts beside this file, which read it; they need root,
# mmdebstrap and a mirror ($MIRROR). With $CHROOTS fresh roots are kept there for
# the next time.
#
#     enter "$@"          goes on in a mount namespace of its own
#     fresh_root SUITE ARCHITECTURE
#                         makes $root, with /proc, /dev and an empty /dev/shm
#     inside COMMAND...   runs in it
#     say TEXT            and how long it took so far
#
# $work is a directory that goes with the script, $native this machine's
# architecture.
# shellcheck shell=bash disable=SC2034
here=$(cd "$(dirname "$0")" && pwd)
native=$(dpkg --print-architecture)
mirror=${MIRROR:-http://deb.debian.org/debian}
title=${0##*/}

# Mounts go with this process.
enter() {
    if [ -z "${SHMIPC_UNSHARED:-}" ]; then
        SHMIPC_UNSHARED=1 exec unshare --mount --propagation private \
            "$here/${0##*/}" "$@"
    fi
    unset SHMIPC_UNSHARED
    work=$(mktemp -d "${TMPDIR:-/tmp}/shmipc-chroot.XXXXXX")
    root=$work/root
    trap leave EXIT
    trap 'exit 1' HUP INT TERM
}

# What still runs in there does not keep them: nobody else has them mounted.
unmount() {
    umount -R -l "$root/proc" "$root/dev" "$root/sys" 2>/dev/null || true
}

leave() {
    unmount
    rm -rf --one-file-system "$work"
}

say() {
    printf '\n=== %s: %s (%ds)\n' "$title" "$1" "$SECONDS"
}

inside() {
    env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root TMPDIR=/tmp \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" "$@"
}

# quietly COMMAND...: what it says is shown if it fails.
quietly() {
    "$@" >"$work/log" 2>&1 || {
        tail -40 "$work/log"
        echo "$title: failed: $*" >&2
        exit 1
    }
}

fresh_root() {
    local fresh=${CHROOTS:-$work}/$1-$2.tar node

    if [ ! -s "$fresh" ]; then
        mmdebstrap --quiet --format=tar --variant=buildd --architectures="$2" \
            "$1" "$fresh.$$" "$mirror"
        mv "$fresh.$$" "$fresh"
    fi
    mkdir "$root"
    tar -x -C "$root" --numeric-owner -f "$fresh"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount -t tmpfs -o mode=755 dev "$root/dev"
    mkdir "$root/dev/shm" "$root/dev/pts"
    mount -t tmpfs -o mode=1777,size=1g shm "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
    for node in null zero full random urandom tty; do
        touch "$root/dev/$node"
        mount --bind "/dev/$node" "$root/dev/$node"
    done
    ln -s pts/ptmx "$root/dev/ptmx"
    ln -s /proc/self/fd "$root/dev/fd"
    # Pages of the manual are installed here, as on a machine that is used.
    rm -f "$root"/etc/dpkg/dpkg.cfg.d/*docker* \
        "$root"/etc/dpkg/dpkg.cfg.d/excludes
    quietly inside apt-get update -q
}
