#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 the rstreamd maintainers

# Installs what lies beside this script, or removes it again. It says what it does, changes nothing else, and may be run
# as often as you like.
set -eu
umask 022

usage() {
    cat <<'USAGE'
usage: ./install.sh [--prefix DIR] [--uninstall]

  --prefix DIR   where programs and their files go; /usr/local unless given
  --uninstall    removes what was installed below the prefix; configuration, state and users stay

Configuration goes to /etc/rstream; a file that is there already stays as it is. With DESTDIR in the environment
everything goes below that folder, and no user is made and no service touched: for those who make packages.
USAGE
}

prefix=/usr/local uninstall=
destdir=${DESTDIR:-}
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) [ $# -gt 1 ] || { usage >&2; exit 64; }; prefix=$2; shift ;;
        --prefix=*) prefix=${1#--prefix=} ;;
        --uninstall) uninstall=yes ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; exit 64 ;;
    esac
    shift
done
case $prefix in
    /*) ;;
    *) echo "install.sh: the prefix is not an absolute path: $prefix" >&2; exit 64 ;;
esac
# The words of a unit cannot have blanks, and those of sed no bar.
case $prefix in
    *[!A-Za-z0-9/._+-]*)
        echo "install.sh: only letters, digits and / . _ + - may be in the prefix: $prefix" >&2
        exit 64
        ;;
esac
prefix=${prefix%/}

say() { printf '%s\n' "$1"; }
stop() {
    printf 'install.sh: %s\n' "$1" >&2
    exit 1
}

cd "$(dirname "$0")"
[ -n "$destdir" ] || [ "$(id -u)" -eq 0 ] || stop "run this as root, or with DESTDIR"

# systemd looks for units below /usr and /usr/local, and else in /etc.
case $prefix in
    '' | /usr) units=/usr/lib/systemd/system ;;
    /usr/local) units=/usr/local/lib/systemd/system ;;
    *) units=/etc/systemd/system ;;
esac
installed=$destdir$prefix/share/rstreamd/installed
# Whether this is about a service of the running system.
systemd=
[ -n "$destdir" ] || ! [ -d /run/systemd/system ] || systemd=yes

# Files below the prefix, by their paths here.
files() { find bin lib share -type f ! -path 'lib/systemd/system/*' | LC_ALL=C sort; }

# Removes what a list of files names, and folders of our own that are empty then.
remove() { # list
    while read -r path; do
        rm -f "$destdir$path"
        folder=$(dirname "$path")
        while :; do
            case $folder in
                */rstreamd | */rstreamd/*) rmdir "$destdir$folder" 2>/dev/null || break ;;
                *) break ;;
            esac
            folder=$(dirname "$folder")
        done
    done <"$1"
}

if [ -n "$uninstall" ]; then
    [ -e "$installed" ] || stop "nothing of this is installed below ${prefix:-/}"
    if [ -n "$systemd" ]; then
        say "stopping and disabling the service"
        # The socket before the service, which it would start again. One by one: a unit that is not there, as in an older
        # version, would keep the others.
        for unit in rstreamd-docker.service rstreamd-admin.socket rstreamd.service; do
            systemctl disable --now "$unit" >/dev/null 2>&1 || true
        done
    fi
    list=$(mktemp)
    cp "$installed" "$list"
    say "removing $(wc -l <"$list" | tr -d ' ') files below ${prefix:-/} and $units"
    remove "$list"
    rm -f "$list"
    [ -z "$systemd" ] || systemctl daemon-reload
    say "what stays: /etc/rstream, /var/lib/rstreamd, and the users rstream and rstream-docker"
    exit 0
fi

# What the programs need, before anything is changed.
if [ -z "$destdir" ]; then
    machine=$(uname -m)
    [ "$machine" = @MACHINE@ ] || stop "these programs are for @MACHINE@, and this is $machine"
    glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null | sed -n 's/^glibc //p')
    [ -n "$glibc" ] || stop "these programs need glibc @GLIBC@ or later; this system has another C library"
    oldest=$(printf '%s\n' "$glibc" @GLIBC@ | sort -t . -k 1,1n -k 2,2n | head -n 1)
    [ "$oldest" = @GLIBC@ ] || stop "these programs need glibc @GLIBC@ or later, and this system has $glibc"
    if ! ./bin/rstreamd --version >/dev/null 2>&1; then
        ldd ./bin/rstreamd 2>&1 | sed -n '/not found/s/^[[:space:]]*/  /p' >&2
        stop "rstreamd does not run here; README names the packages of the libraries that it needs"
    fi
fi

# A file of an older version that this one has no more goes too.
mkdir -p "$(dirname "$installed")"
{
    files | sed "s|^|$prefix/|"
    for unit in rstreamd.service rstreamd-admin.socket rstreamd-docker.service; do printf '%s\n' "$units/$unit"; done
    printf '%s\n' "$prefix/share/rstreamd/installed"
} | LC_ALL=C sort >"$installed.new"
if [ -e "$installed" ]; then
    LC_ALL=C comm -23 "$installed" "$installed.new" >"$installed.old"
    remove "$installed.old"
    rm -f "$installed.old"
fi
mv -f "$installed.new" "$installed"

say "installing $(wc -l <"$installed" | tr -d ' ') files below ${prefix:-/} and $units"
# Beside its place and then moved: a program that runs may not be written to.
put() { # file, place, mode
    mkdir -p "$(dirname "$2")"
    cp "$1" "$2.new"
    chmod "$3" "$2.new"
    mv -f "$2.new" "$2"
}
files | while read -r file; do
    case $file in
        bin/*) put "$file" "$destdir$prefix/$file" 755 ;;
        *) put "$file" "$destdir$prefix/$file" 644 ;;
    esac
done
adapted=$(mktemp)
for unit in rstreamd.service rstreamd-admin.socket rstreamd-docker.service; do
    sed "s|=/usr/bin/|=$prefix/bin/|" "lib/systemd/system/$unit" >"$adapted"
    put "$adapted" "$destdir$units/$unit" 644
done

if [ -z "$destdir" ] && ! getent group rstream >/dev/null; then
    say "making the user and group rstream"
    if command -v systemd-sysusers >/dev/null; then
        systemd-sysusers "$PWD/lib/sysusers.d/rstreamd.conf"
    else
        groupadd --system rstream
    fi
fi
if [ -z "$destdir" ] && ! getent passwd rstream >/dev/null; then
    useradd --system --gid rstream --home-dir /var/lib/rstreamd --no-create-home --shell /usr/sbin/nologin \
        --comment "rstream tunnel agent" rstream
fi
# Without systemd there is no unit that would need it.
if [ -z "$destdir" ] && ! getent passwd rstream-docker >/dev/null && command -v systemd-sysusers >/dev/null; then
    say "making the user rstream-docker"
    systemd-sysusers "$PWD/lib/sysusers.d/rstreamd-docker.conf"
fi

# Secrets may stand in these, so only root and the daemon's group shall read them.
etc=$destdir/etc/rstream
configure() { # path below etc/rstream, mode
    say "$3 /etc/rstream/$1"
    # The first line names the schema for editors.
    sed "1s|=/usr/|=$prefix/|" "etc/rstream/$1" >"$adapted"
    put "$adapted" "$etc/$1" "$2"
    [ -n "$destdir" ] || [ "$2" = 644 ] || chgrp rstream "$etc/$1"
}
for folder in "$etc" "$etc/tunnels.d"; do
    [ ! -d "$folder" ] || continue
    mkdir -p "$folder"
    chmod 750 "$folder"
    [ -n "$destdir" ] || chgrp rstream "$folder"
done
if [ -e "$etc/rstreamd.yaml" ]; then
    say "keeping /etc/rstream/rstreamd.yaml"
else
    configure rstreamd.yaml 640 "writing"
fi
configure tunnels.d/web.yaml.example 644 "writing the example"
rm -f "$adapted"
[ -z "$destdir" ] || exit 0

if [ -z "$systemd" ]; then
    say "There is no systemd. To run it: $prefix/bin/rstreamd as the user rstream, who has to own /run/rstreamd"
    say "and /var/lib/rstreamd."
    exit 0
fi
systemctl daemon-reload
journalctl --update-catalog >/dev/null 2>&1 || true
systemctl try-restart rstreamd-docker.service || say "rstreamd-docker does not start: journalctl -u rstreamd-docker"
if systemctl --quiet is-active rstreamd.service; then
    say "letting the new version take over"
    "$prefix/bin/rstreamctl" upgrade \
        || stop "the version that ran before goes on; once that is fixed: rstreamctl upgrade"
else
    say "Say in /etc/rstream what to publish, then: systemctl enable --now rstreamd"
fi
