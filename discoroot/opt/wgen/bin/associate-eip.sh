#!/usr/bin/env bash
# associate-eip.sh start|stop: takes the elastic address of this hostclass, or lets it go. start takes it away from
# another host. Does nothing without an address in user data, or under test.
set -euo pipefail
. /opt/wgen/bin/user-data.sh
have_user_data || exit 0
if [[ ! ${eip:-} =~ [0-9]+\.[0-9]+\.[0-9]+\.[0-9]+ ]] || is_testing_mode; then
    exit 0
fi
address=${BASH_REMATCH[0]}
id=$(get_metadata_attribute instance-id)

# query FIELD: of the address, or `None`.
query() {
    aws ec2 describe-addresses --public-ips "$address" --output text --query "Addresses[0].$1"
}

case "${1:-}" in
    start)
        # The address belongs to the first interface: there may be a floating one as well.
        mac=$(get_metadata_attribute mac)
        eni=$(get_metadata_attribute "network/interfaces/macs/$mac/interface-id")
        aws ec2 associate-address --allocation-id "$(query AllocationId)" --network-interface-id "$eni" \
            --allow-reassociation
        ;;
    stop)
        if [[ $(query InstanceId) == "$id" ]]; then
            aws ec2 disassociate-address --association-id "$(query AssociationId)"
        fi
        ;;
    *)
        echo 'usage: associate-eip.sh start|stop' >&2
        exit 1
        ;;
esac
