#!/usr/bin/env bash
# Boot: this host tags itself. Asiaq lists and selects hosts by these tags.
set -euo pipefail
. /opt/wgen/bin/user-data.sh
have_user_data || exit 0

id=$(get_metadata_attribute instance-id)
name=$(hostname -s)
productline=unknown
if [[ -s /opt/wgen/etc/productline ]]; then
    productline=$(head -n 1 /opt/wgen/etc/productline)
fi

# shellcheck disable=SC2154  # environment_name and hostclass are user data
tags=$(jq -n \
    --arg hostname "$name" \
    --arg Name "$environment_name-$hostclass-$name" \
    --arg hostclass "$hostclass" \
    --arg owner "${owner:-unknown}" \
    --arg environment "$environment_name" \
    --arg productline "$productline" \
    '$ARGS.named | to_entries | map({Key: .key, Value: .value})')

# The proxy may still be booting: try for four minutes.
deadline=$((SECONDS + 240))
until aws ec2 create-tags --resources "$id" --tags "$tags"; do
    if (( SECONDS > deadline )); then
        echo 'could not tag this host within 240 seconds' >&2
        exit 1
    fi
    sleep 5
done
