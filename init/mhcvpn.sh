#!/usr/bin/env bash
# mhcvpn: ends the IPsec tunnels of customers. Connections are files of discoroot/etc/ipsec.d/.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

install_packages libreswan
enable_services ipsec

set_productline platform
add_smoketest 'is_service_running ipsec'
