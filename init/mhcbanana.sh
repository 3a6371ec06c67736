#!/usr/bin/env bash
# mhcbanana: the worked example of a service. nginx, one page and a health check, all in discoroot.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

install_packages nginx
nginx_default_server
enable_services nginx

set_productline fruit
add_smoketest 'is_service_running nginx' 'get_status 127.0.0.1 80 banana /health'
