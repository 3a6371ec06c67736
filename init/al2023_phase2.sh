#!/usr/bin/env bash
# Phase 2 on Amazon Linux 2023. Sourced by phase2.sh, which sets HOSTCLASS and HAS_REPO and reads common.sh.

# Host scripts call the Asiaq tools here.
install -d -m 0755 /opt/wgen/asiaq
cp -a "$DISCO_ROOT/asiaq/bin" /opt/wgen/asiaq/
chown -R root:root /opt/wgen/asiaq

enable_boot_services

if [[ ! -x $DISCO_INIT/$HOSTCLASS.sh ]]; then
    echo "phase2.sh: init/$HOSTCLASS.sh is missing or not executable" >&2
    exit 1
fi
if [[ $HAS_REPO == 1 ]]; then
    enable_internal_repos
fi
"$DISCO_INIT/$HOSTCLASS.sh"
disable_internal_repos
