#!/usr/bin/env bash
# Part of Asiaq: makes the tree that `asiaq_data_source` of disco_aws.ini names, which a bake copies to the machine.
#   bins/asiaq-tree.sh [--dev] [--tools DIR] OUTDIR
# OUTDIR/bin gets acfg1.py, which needs no library of the machine that it runs on (see bins/acfg1-static.sh; --dev builds in
# seconds), and OUTDIR an empty Python package called asiaq, for init scripts that install it with pip.
# --tools DIR: also the tools that host scripts call, from DIR. They need a machine like the one they were built on.
set -euo pipefail

# What cron and boot scripts of discoroot/ call.
TOOLS=(disco_accounts disco_metrics disco_snapshot)

build=() tools=
while (( $# )); do
    case "$1" in
        --dev) build=(--dev); shift ;;
        --tools) tools=${2:?--tools needs a directory}; shift 2 ;;
        -*) set --; break ;;
        *) break ;;
    esac
done
if (( $# != 1 )); then
    echo 'usage: bins/asiaq-tree.sh [--dev] [--tools DIR] OUTDIR' >&2
    exit 2
fi
out=$1
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

"$here/acfg1-static.sh" "${build[@]}" "$out/bin"
install -m 0644 "$here/asiaq-stub/pyproject.toml" "$here/asiaq-stub/asiaq_stub.py" "$out/"
if [[ -n $tools ]]; then
    for tool in "${TOOLS[@]}"; do
        install -m 0755 "$tools/$tool" "$out/bin/$tool"
        ln -sfn "$tool" "$out/bin/$tool.py"
    done
fi
