#!/usr/bin/env bash
# mhcntp: time for hosts that do not use AWS' own clock. Its chrony.conf in discoroot lets clients ask.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

systemctl enable chronyd

set_productline platform
add_smoketest 'is_service_running chronyd' 'check_ntpstat'
