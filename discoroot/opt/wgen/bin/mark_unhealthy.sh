#!/usr/bin/env bash
# mark_unhealthy.sh MESSAGE: asks the group to replace this host, and says why in the log. Does not ask when user data
# says smoketest_termination="0".
set -uo pipefail
. /opt/wgen/bin/user-data.sh

logger -p local0.err -t disco.smoketest -- "${1:-unhealthy}"
if [[ ${smoketest_termination:-0} == 0 ]]; then
    exit 0
fi
aws autoscaling set-instance-health --health-status Unhealthy --should-respect-grace-period \
    --instance-id "$(get_metadata_attribute instance-id)"
