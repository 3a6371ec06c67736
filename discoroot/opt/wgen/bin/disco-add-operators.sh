#!/usr/bin/env bash
# Boot: creates the accounts of operators. `systemctl restart disco-add-operators` takes over changes.
set -uo pipefail
. /opt/wgen/bin/user-data.sh
have_user_data || exit 0

export ASIAQ_CONFIG=/opt/wgen/discoaws
export PATH=/opt/wgen/asiaq/bin:$PATH
read -ra buckets <<<"${credential_buckets:-}"
failed=0
for bucket in "${buckets[@]}"; do
    disco_accounts.py --bucket "$bucket" install || failed=1
done
exit "$failed"
