#!/usr/bin/env bash
# What host scripts need to talk to AWS. Sourced. Metadata by IMDSv2 only; no secret in any argument list.

IMDS=http://169.254.169.254/latest

# Hosts without a route to the internet reach AWS through the proxy.
# shellcheck source=/dev/null
[[ -r /etc/profile.d/proxy.sh ]] && . /etc/profile.d/proxy.sh

# imds_get PATH: text at PATH below .../latest/. Fails if there is none.
imds_get() {
    local token
    token=$(curl -sSf --noproxy '*' --max-time 5 --retry 5 -X PUT \
        -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$IMDS/api/token") || return 1
    printf 'X-aws-ec2-metadata-token: %s\n' "$token" \
        | curl -sf --noproxy '*' --max-time 5 --retry 5 -H @- "$IMDS/$1"
}

# get_metadata_attribute PATH: for instance `instance-id` or `placement/availability-zone`.
get_metadata_attribute() { imds_get "meta-data/$1"; }

# get_instance_identity_attribute KEY: for instance `accountId`.
get_instance_identity_attribute() { imds_get dynamic/instance-identity/document | jq -r --arg key "$1" '.[$key]'; }

# is_testing_mode: true while this host is under test and must leave production alone.
is_testing_mode() { [[ $(cat /etc/asiaq/testing_mode 2>/dev/null) == 1 ]]; }

AWS_DEFAULT_REGION=${AWS_DEFAULT_REGION:-$(get_metadata_attribute placement/region)}
export AWS_DEFAULT_REGION
# Say no more than the AWS tools have to, and never wait for a pager.
export AWS_PAGER='' AWS_METADATA_SERVICE_NUM_ATTEMPTS=5
