#!/usr/bin/env bash
# Boot: notes in /etc/asiaq/testing_mode (1 or 0) whether this host is under test. The tag is_testing decides. It is read
# from the metadata service if tags are offered there, else from EC2; last resort is user data.
set -euo pipefail
. /opt/wgen/bin/user-data.sh
have_user_data || exit 0

testing=None
if names=$(get_metadata_attribute tags/instance/); then
    if grep -qx is_testing <<<"$names"; then
        testing=$(get_metadata_attribute tags/instance/is_testing)
    fi
else
    id=$(get_metadata_attribute instance-id)
    testing=$(aws ec2 describe-tags --output text --query 'Tags[0].Value' \
        --filters "Name=resource-id,Values=$id" Name=key,Values=is_testing) || testing=None
fi
if [[ $testing == None ]]; then
    testing=${is_testing:-0}
fi
if [[ $testing == 1 ]]; then
    /etc/asiaq/bin/testing_mode.sh mark-on
else
    /etc/asiaq/bin/testing_mode.sh mark-off
fi
