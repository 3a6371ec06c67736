#!/usr/bin/env bash
# Sets the variables of this host's user data: hostclass, environment_name, owner, credential_buckets, http_proxy_ip,
# logger_ip, logforwarder_ip, zookeepers, eip, floating_ips, smoketest_termination and so on. Sourced.
# User data is lines key="value" written by Asiaq. Whoever may launch this host decides what stands there.
#
#   . /opt/wgen/bin/user-data.sh; have_user_data || exit 0

# shellcheck source=discoroot/opt/wgen/bin/aws-utility-functions.sh
. /opt/wgen/bin/aws-utility-functions.sh

# have_user_data: false on a machine that is being baked.
have_user_data() {
    if [[ -z ${hostclass:-} ]]; then
        echo 'no user data of Asiaq: nothing to do' >&2
        return 1
    fi
}

if user_data=$(imds_get user-data) && [[ $user_data == *hostclass=* ]]; then
    # shellcheck source=/dev/null
    . /dev/stdin <<<"$user_data"
fi
unset user_data
