#!/usr/bin/env bash
# mhcntp: time for hosts that do not use AWS' own clock. Its chrony.conf in discoroot lets clients ask.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

# Debian keeps it elsewhere.
if [[ $DISCO_OS != amzn ]]; then
    install -d -m 0755 /etc/chrony
    ln -sfn ../chrony.conf /etc/chrony/chrony.conf
fi
enable_services chrony

set_productline platform
add_smoketest 'is_service_running chronyd chrony' 'check_ntpstat'
