#!/usr/bin/env bash
# mhcs3proxy: HTTP proxy to the internet for metanetworks without a route of their own.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

install_packages squid
enable_services squid

set_productline platform
add_smoketest 'is_service_running squid' 'is_port_open 127.0.0.1 80'
