#!/usr/bin/env bash
# Phase 1 of a bake: makes a base image from a vendor image. Runs as root on the machine being baked.
#   phase1.sh HOSTCLASS [REPO_IP [BAKE_ID]]
# HOSTCLASS is [bake] phase1_hostclass, a stand-in: mhcgeneric. May be run again on the same machine.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

HOSTCLASS=${1:?usage: phase1.sh HOSTCLASS [REPO_IP [BAKE_ID]]}
BAKE_ID=${3:-}
disable_proxy
require_known_os
wait_for_first_boot

# Updates and packages.
# shellcheck source=/dev/null
source "$DISCO_INIT/${DISCO_RELEASE}_phase1.sh"

# Users that every host knows. Their keys come from the credential bucket when a host boots.
init_ssh_user smoketest '{s3cred://public_keys/ssh/smoketest.pub}' /opt/wgen/bin/smoketest.sh
init_ssh_user snapshot '{s3cred://public_keys/ssh/snapshot.pub}'
init_ssh_user disco_tester '{s3cred://public_keys/ssh/test.pub}'
groupadd -f disco_operators

set_hostclass "$HOSTCLASS"
set_productline unknown
run_acfg

# discoroot brings sshd_config.d/10-disco.conf and rsyslog.conf. Make sure that they work everywhere.
if ! grep -q '^Include /etc/ssh/sshd_config.d/' /etc/ssh/sshd_config; then
    sed -i '1i Include /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config
fi
install -d -m 0700 /var/lib/rsyslog

enable_services chrony cron rsyslog
enable_boot_services
write_bake_marker 1 "$BAKE_ID"
clean_up
