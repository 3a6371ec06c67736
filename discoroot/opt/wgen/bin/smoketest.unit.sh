#!/usr/bin/env bash
# Runs the checks of /opt/wgen/etc/smoketest.conf, one per line. Exit 0: all good. Otherwise the number of the first
# line that failed, comments and blank lines not counted.
set -uo pipefail
. /opt/wgen/bin/user-data.sh
. /opt/wgen/bin/get_status.sh

number=0
while IFS= read -r check; do
    [[ -z $check || $check == '#'* ]] && continue
    number=$((number + 1))
    # The file belongs to root and is written when the image is baked.
    if ! eval "$check" </dev/null; then
        echo "smoke test $number failed: $check" >&2
        exit "$number"
    fi
done </opt/wgen/etc/smoketest.conf
