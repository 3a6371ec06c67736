#!/usr/bin/env bash
# Part of Asiaq: builds acfg1 so that it needs no library of the machine that it runs on, for bakes of images of any age.
#   bins/acfg1-static.sh [--dev] OUTDIR     puts acfg1, and acfg1.py as a link to it, into OUTDIR
# Uses musl if that target is installed (`rustup target add ARCH-unknown-linux-musl`), else the static form of the C library.
# --dev builds in seconds, larger. CARGO_TARGET_DIR and CARGO_NET_OFFLINE work as usual.
set -euo pipefail

profile=release folder=release
if [[ ${1:-} == --dev ]]; then
    profile=dev folder=debug
    shift
fi
if (( $# != 1 )); then
    echo 'usage: bins/acfg1-static.sh [--dev] OUTDIR' >&2
    exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/.."

host=$(rustc -vV | sed -n 's/^host: //p')
musl=${host%%-*}-unknown-linux-musl
if [[ -d $(rustc --print target-libdir --target "$musl" 2>/dev/null) ]]; then
    target=$musl
else
    target=$host
fi

export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}
# With a target named, these flags do not reach build scripts and macros, which cannot be static.
RUSTFLAGS='-C target-feature=+crt-static' \
    cargo build --package asiaq --no-default-features --bin acfg1 --locked --profile "$profile" --target "$target"

install -m 0755 "$CARGO_TARGET_DIR/$target/$folder/acfg1" "$out/acfg1"
ln -sfn acfg1 "$out/acfg1.py"
