#!/usr/bin/env bash
# mhclogforwarder: takes log lines as mhcdiscologger does, and sends them on to CloudWatch Logs.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

install -d -m 0750 /opt/wgen/log

set_productline platform
add_smoketest 'is_service_running rsyslog' 'check_rsyslog_port'
