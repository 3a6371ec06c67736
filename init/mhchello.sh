#!/usr/bin/env bash
# mhchello: the smallest service there is, made of what every image has. It needs no package, so that it also bakes on the
# local cloud, which has no network. Unit, page and health check are in discoroot.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

init_system_user hello
enable_services hello

set_productline demo
add_smoketest 'is_service_running hello' 'get_status 127.0.0.1 8080 hello /health'
