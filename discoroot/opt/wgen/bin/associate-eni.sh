#!/usr/bin/env bash
# Takes one of this hostclass's static addresses: attaches a floating interface as device 1 and writes the address to
# /etc/floating_ip. Only interfaces in our VPC and zone count. If all of them are taken, one is taken away from its
# host. Amazon Linux configures the new interface by itself. Does nothing under test.
set -euo pipefail
. /opt/wgen/bin/user-data.sh
have_user_data || exit 0
if [[ -z ${floating_ips:-} ]] || is_testing_mode; then
    exit 0
fi

fail() {
    echo "$1" >&2
    /opt/wgen/bin/mark_unhealthy.sh "$1"
    exit 1
}

id=$(get_metadata_attribute instance-id)
zone=$(get_metadata_attribute placement/availability-zone)
mac=$(get_metadata_attribute mac)
vpc=$(get_metadata_attribute "network/interfaces/macs/$mac/vpc-id")

# candidates: lines INTERFACE ADDRESS ATTACHMENT INSTANCE, the words `None` where there is none.
candidates() {
    aws ec2 describe-network-interfaces --output text \
        --filters "Name=vpc-id,Values=$vpc" "Name=availability-zone,Values=$zone" \
        "Name=private-ip-address,Values=${floating_ips// /,}" \
        --query 'NetworkInterfaces[].[NetworkInterfaceId,PrivateIpAddress,Attachment.AttachmentId,Attachment.InstanceId]'
}

list=$(candidates) || fail 'cannot list floating interfaces'
choice=$(awk -v id="$id" '$4 == id' <<<"$list" | head -n 1)
if [[ -n $choice ]]; then
    read -r eni address _ <<<"$choice"
else
    choice=$(awk '$3 == "None"' <<<"$list" | shuf -n 1)
    if [[ -z $choice ]]; then
        choice=$(shuf -n 1 <<<"$list")
    fi
    read -r eni address attachment _ <<<"$choice"
    [[ -n ${eni:-} ]] || fail "no floating interface for $floating_ips in $zone"

    if [[ $attachment != None ]]; then
        aws ec2 detach-network-interface --force --attachment-id "$attachment" || fail "cannot free $eni"
    fi
    deadline=$((SECONDS + 60))
    until aws ec2 attach-network-interface --network-interface-id "$eni" --instance-id "$id" --device-index 1; do
        if (( SECONDS > deadline )); then
            fail "cannot attach $eni within 60 seconds"
        fi
        sleep 3
    done
fi
# Hosts with a floating address may route for others.
aws ec2 modify-network-interface-attribute --network-interface-id "$eni" --no-source-dest-check \
    || fail "cannot change $eni"
printf '%s\n' "$address" >/etc/floating_ip
