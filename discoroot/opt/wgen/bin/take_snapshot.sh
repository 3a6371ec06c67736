#!/usr/bin/env bash
# Takes a snapshot of the persistent volume (/dev/sdb) and makes it the one that new hosts of this hostclass start from.
# Run at shutdown, and by `disco_snapshot capture` as user snapshot. Does nothing under test.
# Exit: 0 done, 1 no persistent volume, 2 cannot freeze it, 3 no snapshot or not tagged (one call does both),
# 5 the group was not updated.
set -uo pipefail
. /opt/wgen/bin/user-data.sh
have_user_data || exit 1
if is_testing_mode; then
    exit 0
fi
DEVICE=/dev/sdb

id=$(get_metadata_attribute instance-id)
read -r volume origin < <(aws ec2 describe-volumes --output text --query 'Volumes[].[VolumeId,SnapshotId]' \
    --filters "Name=attachment.instance-id,Values=$id" "Name=attachment.device,Values=$DEVICE")
if [[ -z ${volume:-} || -z ${origin:-} || $origin == None ]]; then
    echo "no volume made from a snapshot at $DEVICE" >&2
    exit 1
fi
ours=$(aws ec2 describe-snapshots --snapshot-ids "$origin" --output text \
    --query "length(Snapshots[0].Tags[?Key=='hostclass'] || \`[]\`)")
if [[ $ours != 1 ]]; then
    echo "$origin, which $volume was made from, has no tag hostclass" >&2
    exit 1
fi

# Frozen, the file system is consistent in the snapshot. It must be thawed whatever happens.
mount_point=$(findmnt -n -o TARGET --source "$(readlink -f "$DEVICE")")
if [[ -n $mount_point ]]; then
    trap 'fsfreeze --unfreeze "$mount_point"' EXIT
    sync -f "$mount_point"
    if ! fsfreeze --freeze "$mount_point"; then
        trap - EXIT
        exit 2
    fi
fi

# shellcheck disable=SC2154  # environment_name and hostclass are user data
tags=$(jq -n --arg hostclass "$hostclass" --arg env "$environment_name" \
    --arg productline "$(head -n 1 /opt/wgen/etc/productline 2>/dev/null || echo unknown)" \
    '[{ResourceType: "snapshot", Tags: ($ARGS.named | to_entries | map({Key: .key, Value: .value}))}]')
aws ec2 create-snapshot --volume-id "$volume" --tag-specifications "$tags" >/dev/null || exit 3

if [[ -n $mount_point ]]; then
    fsfreeze --unfreeze "$mount_point"
    trap - EXIT
fi

export ASIAQ_CONFIG=/opt/wgen/discoaws
/opt/wgen/asiaq/bin/disco_snapshot.py --env "$environment_name" update --hostclass "$hostclass" || exit 5
