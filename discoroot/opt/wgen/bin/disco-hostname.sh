#!/usr/bin/env bash
# Boot: names this host: user data `hostname`, else hostclass without its first three letters, and the instance id.
set -euo pipefail
. /opt/wgen/bin/user-data.sh
have_user_data || exit 0

id=$(get_metadata_attribute instance-id)
hostnamectl set-hostname "${hostname:-${hostclass:3}-$id}"
