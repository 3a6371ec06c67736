#!/usr/bin/env bash
# Phase 2 of a bake: makes a hostclass image from a base image. Runs as root on the machine being baked.
#   phase2.sh HOSTCLASS [REPO_IP [BAKE_ID]]     no REPO_IP: no repository host is running
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

HOSTCLASS=${1:?usage: phase2.sh HOSTCLASS [REPO_IP [BAKE_ID]]}
REPO_IP=${2:-}
BAKE_ID=${3:-}
disable_proxy
require_known_os
if [[ ! -x $DISCO_INIT/$HOSTCLASS.sh ]]; then
    echo "phase2.sh: init/$HOSTCLASS.sh is missing or not executable" >&2
    exit 1
fi

# The repository host is called `repo` while the bake lasts.
forget_repo() { sed -i '/ repo$/d' /etc/hosts; }
HAS_REPO=0
if [[ -n $REPO_IP && $REPO_IP != '#None' ]] && ping -c 1 -W 5 "$REPO_IP" >/dev/null; then
    trap forget_repo EXIT
    forget_repo
    printf '%s repo\n' "$REPO_IP" >>/etc/hosts
    HAS_REPO=1
fi
export HAS_REPO

set_hostclass "$HOSTCLASS"
set_productline unknown
run_acfg

# Host scripts call the Asiaq tools here.
install -d -m 0755 /opt/wgen/asiaq
cp -a "$DISCO_ROOT/asiaq/bin" /opt/wgen/asiaq/
chown -R root:root /opt/wgen/asiaq
enable_boot_services

# One that cannot be read would fail everything that installs packages.
if [[ $HAS_REPO == 1 ]] && ! can_use_internal_repos; then
    HAS_REPO=0
fi
if [[ $HAS_REPO == 1 ]]; then
    enable_internal_repos
fi
if [[ $DISCO_OS != amzn ]]; then
    apt_get update
fi
"$DISCO_INIT/$HOSTCLASS.sh"
disable_internal_repos

write_bake_marker 2 "$BAKE_ID"
clean_up
