#!/usr/bin/env bash
# mhczookeeper: service discovery. State on the extra disk, which survives by snapshots.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

if [[ ${HAS_REPO:-0} != 1 ]]; then
    echo "mhczookeeper.sh: the package zookeeper comes from mhcrepo, which is not running or cannot be used" >&2
    exit 1
fi
install_packages java zookeeper
enable_services zookeeper disco-snapshot-volume

set_productline platform
add_smoketest 'is_mounted /opt/wgen/data' 'is_service_running zookeeper' 'check_zookeeper'
