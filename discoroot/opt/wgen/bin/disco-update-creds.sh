#!/usr/bin/env bash
# Boot: puts secrets into configuration files: see disco-update-creds.py.
set -euo pipefail
. /opt/wgen/bin/user-data.sh
have_user_data || exit 0

read -ra buckets <<<"${credential_buckets:-}"
if (( ${#buckets[@]} )); then
    /opt/wgen/bin/disco-update-creds.py "${buckets[@]}"
fi
