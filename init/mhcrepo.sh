#!/usr/bin/env bash
# mhcrepo: packages of our own, for bakes. Put them into /opt/wgen/data/rpm and run createrepo_c there.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

dnf_install createrepo_c nginx
systemctl enable nginx

set_productline platform
add_smoketest 'is_mounted /opt/wgen/data' 'is_service_running nginx' 'get_status 127.0.0.1 80 repo /status'
