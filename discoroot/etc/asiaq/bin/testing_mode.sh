#!/usr/bin/env bash
# testing_mode.sh on|off: puts this host into testing mode or out of it. Asiaq runs it with sudo when a deployment
# is done. Exit 0 only if everything worked.
# mark-on and mark-off, for the boot script, only note the mode and adapt service discovery.
set -euo pipefail
STATE=/etc/asiaq/testing_mode

# Under test, services announce themselves in ZooKeeper under a path of their own.
set_nerve() {
    local suffix=$1 file new
    [[ -d /etc/nerve.d ]] || return 0
    for file in /etc/nerve.d/*.json; do
        [[ -e $file ]] || continue
        new=$(jq --arg suffix "$suffix" \
            'if has("zk_path") then .zk_path |= (sub("_test$"; "") + $suffix) else . end' "$file")
        printf '%s\n' "$new" >"$file"
    done
    systemctl try-restart nerve.service
}

case "${1:-}" in
    on | mark-on)
        echo 1 >"$STATE"
        set_nerve _test
        ;;
    mark-off)
        echo 0 >"$STATE"
        set_nerve ''
        ;;
    off)
        echo 0 >"$STATE"
        set_nerve ''
        /opt/wgen/bin/associate-eni.sh
        /opt/wgen/bin/associate-eip.sh start
        ;;
    *)
        echo 'usage: testing_mode.sh on|off' >&2
        exit 1
        ;;
esac
