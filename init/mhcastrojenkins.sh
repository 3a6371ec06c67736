#!/usr/bin/env bash
# mhcastrojenkins: builds, bakes and deploys. Runs the Asiaq tools with the rights of instance_jenkins.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

if [[ ${HAS_REPO:-0} != 1 ]]; then
    echo "mhcastrojenkins.sh: the package jenkins comes from mhcrepo, which is not running or cannot be used" >&2
    exit 1
fi
install_packages git java jenkins
enable_services jenkins

set_productline platform
add_smoketest 'is_mounted /opt/wgen/data' 'is_service_running jenkins' 'get_status 127.0.0.1 8080 jenkins /login'
