#!/usr/bin/env bash
# Phase 2 of a bake: makes a hostclass image from a base image. Runs as root on the machine being baked.
#   phase2.sh HOSTCLASS [REPO_IP [BAKE_ID]]     no REPO_IP: no repository host is running
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

HOSTCLASS=${1:?usage: phase2.sh HOSTCLASS [REPO_IP [BAKE_ID]]}
REPO_IP=${2:-}
disable_proxy

HAS_REPO=0
if [[ -n $REPO_IP ]] && ping -c 1 -W 5 "$REPO_IP" >/dev/null; then
    printf '%s repo\n' "$REPO_IP" >>/etc/hosts
    HAS_REPO=1
fi
export HAS_REPO

set_hostclass "$HOSTCLASS"
run_acfg

case "$DISCO_OS$DISCO_OS_VERSION" in
    amzn2023*)
        # shellcheck source=init/al2023_phase2.sh
        source "$DISCO_INIT/al2023_phase2.sh"
        ;;
    *)
        echo "phase2.sh: no script for $DISCO_OS $DISCO_OS_VERSION" >&2
        exit 1
        ;;
esac

sed -i '/ repo$/d' /etc/hosts
clean_up
