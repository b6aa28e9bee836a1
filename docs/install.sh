#!/bin/sh
# Installs a released purgit: downloads the archive for this machine, verifies its checksum, and puts the program in its
# place in one step. Whatever fails on the way leaves everything as it was.
#
#     sh install.sh [--version 1.2.3] [--to FOLDER]
#
# --version     a release; the latest by default
# --to          where the program goes; $PURGIT_INSTALL_DIR or ~/.local/bin by default
#
# PURGIT_RELEASES says where releases are: an https:// URL that ends in /releases, or file:// and a folder of that form (a
# mirror). The copy of this script in a release knows the repository that it comes from.
set -eu

releases=${PURGIT_RELEASES:-}

fail() {
    printf 'install: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf 'hint: %s\n' "$2" >&2
    exit "${3:-1}"
}

has() {
    command -v "$1" > /dev/null 2>&1
}

# What the archives are named after.
platform() {
    system=$(uname -s)
    machine=$(uname -m)
    # Intel code on an ARM Mac is told that it runs on Intel.
    if [ "$system" = Darwin ] && [ "$(sysctl -n sysctl.proc_translated 2> /dev/null || true)" = 1 ]; then
        machine=arm64
    fi
    case $machine in
        x86_64 | amd64) machine=x86_64 ;;
        aarch64 | arm64) machine=aarch64 ;;
    esac
    case $system/$machine in
        Linux/x86_64 | Linux/aarch64) echo "$machine-unknown-linux-musl" ;;
        Darwin/x86_64 | Darwin/aarch64) echo "$machine-apple-darwin" ;;
        MINGW*/x86_64 | MSYS*/x86_64 | CYGWIN*/x86_64) echo x86_64-pc-windows-msvc ;;
        *) fail "there is no build for $system on $machine" 'build it from its sources: cargo install --locked --path .' ;;
    esac
}

# fetch URL FILE
fetch() {
    case $1 in
        file://*) cp "${1#file://}" "$2" || fail "cannot read $1" ;;
        https://*)
            if has curl; then
                curl --proto '=https' --fail --silent --show-error --location --retry 3 --output "$2" "$1"
            elif has wget; then
                wget --https-only --quiet --output-document="$2" "$1"
            else
                fail 'neither curl nor wget is installed'
            fi || fail "cannot download $1" 'check that the release is there and has a build for this machine'
            ;;
        *) fail "will not download from $1" 'only https:// is safe, or file:// for a mirror' ;;
    esac
}

digest() {
    if has sha256sum; then
        sha256sum "$1"
    elif has shasum; then
        shasum -a 256 "$1"
    elif has openssl; then
        openssl dgst -sha256 -r "$1"
    else
        fail 'none of sha256sum, shasum and openssl is installed' 'without one the download cannot be verified'
    fi
}

# verify FOLDER FILE: against the line of SHA256SUMS, of which there must be one.
verify() {
    expected=$(awk -v file="$2" '$2 == file || $2 == "*" file { print $1 }' "$1/SHA256SUMS")
    case $expected in
        '' | *[!0-9a-f]*) fail "SHA256SUMS does not name $2 once" ;;
    esac
    found=$(digest "$1/$2")
    found=${found%% *}
    if [ "$found" != "$expected" ]; then
        fail "$2 is not what was released: its checksum is $found, expected $expected" \
            'nothing was installed; try again, and report it if it stays so'
    fi
}

# unpack FOLDER FILE
unpack() {
    case $2 in
        *.zip) unzip -q "$1/$2" -d "$1" ;;
        *) tar -xzf "$1/$2" -C "$1" ;;
    esac || fail "cannot unpack $2"
}

main() {
    version=
    folder=${PURGIT_INSTALL_DIR:-${HOME:-}/.local/bin}
    while [ $# -gt 0 ]; do
        case $1 in
            --version | --to) [ $# -gt 1 ] || fail "$1 needs a value" "for example: $1 ${1#--}" 64 ;;
        esac
        case $1 in
            --version) version=${2#v} && shift 2 ;;
            --to) folder=$2 && shift 2 ;;
            *) fail "unknown argument: $1" 'sh install.sh [--version 1.2.3] [--to FOLDER]' 64 ;;
        esac
    done
    [ -n "$releases" ] || fail 'where the releases are is not known' \
        'set PURGIT_RELEASES, for example to https://github.com/OWNER/purgit/releases' 64
    case $version in
        *[!0-9A-Za-z.+-]*) fail "not a version: $version" 'write it as 1.2.3' 64 ;;
        '') base=$releases/latest/download ;;
        *) base=$releases/download/v$version ;;
    esac

    target=$(platform)
    suffix=tar.gz
    program=purgit
    case $target in
        *windows*) suffix=zip && program=purgit.exe ;;
    esac
    archive=purgit-$target.$suffix

    staged=
    work=$(mktemp -d "${TMPDIR:-/tmp}/purgit.XXXXXX")
    trap 'rm -rf "$work" ${staged:+"$staged"}' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM

    fetch "$base/SHA256SUMS" "$work/SHA256SUMS"
    fetch "$base/$archive" "$work/$archive"
    verify "$work" "$archive"
    unpack "$work" "$archive"
    found=$work/purgit-$target/$program
    said=$("$found" --version) || fail "the program for $target does not run here" \
        'build it from its sources: cargo install --locked --path .'

    # Beside its place, so that the last step is a rename within one file system.
    mkdir -p "$folder" || fail "cannot create $folder" 'choose another folder with --to'
    staged=$folder/.$program.$$
    if ! { cp "$found" "$staged" && chmod 755 "$staged" && mv -f "$staged" "$folder/$program"; }; then
        fail "cannot write to $folder" 'choose another folder with --to'
    fi
    staged=
    printf 'installed %s as %s\n' "$said" "$folder/$program"
    case :$PATH: in
        *:"$folder":*) ;;
        *) printf 'hint: %s is not in PATH\n' "$folder" >&2 ;;
    esac
}

# At the very end, so that half a download does nothing.
main "$@"
