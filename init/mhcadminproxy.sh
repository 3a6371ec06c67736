#!/usr/bin/env bash
# mhcadminproxy: the way in for operators, and the jump host of Asiaq itself.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

install_packages ncat tmux

set_productline platform
add_smoketest 'is_service_running sshd ssh ssh.socket'
