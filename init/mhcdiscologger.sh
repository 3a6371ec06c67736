#!/usr/bin/env bash
# mhcdiscologger: takes the log lines of all hosts. Its rsyslog.conf in discoroot says where they go.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

install -d -m 0750 /opt/wgen/log

set_productline platform
add_smoketest 'is_mounted /opt/wgen/log' 'is_service_running rsyslog' 'check_rsyslog_port'
