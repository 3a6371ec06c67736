#!/usr/bin/env bash
# disco-booted.sh start|stop|status: the last step of the boot.
# start   runs the smoke tests until they pass, then tells Asiaq with the tag `smoketest` on this host
# stop    takes the tag away: this host is going down
# status  0 tested, 1 booted but not tested, 2 not booted, 3 anything else asked for
set -uo pipefail
BOOTED=/tmp/disco_booted
TESTED=/tmp/disco_tested
BANNER=/opt/wgen/etc/banner

# /tmp is everybody's: only root's files count, and they are made anew.
mark() { rm -rf "$1" && (umask 022; set -o noclobber; : >"$1"); }
marked() { [[ -f $1 && ! -L $1 && $(stat -c %u "$1") == 0 ]]; }

start() {
    . /opt/wgen/bin/user-data.sh
    have_user_data || exit 0
    printf '\n*** This host is not tested yet: do not rely on it. ***\n\n' >"$BANNER"
    mark "$BOOTED"
    until /opt/wgen/bin/smoketest.unit.sh; do
        sleep 1
    done
    mark "$TESTED"
    : >"$BANNER"
    local id uptime
    id=$(get_metadata_attribute instance-id)
    uptime=$(cut -d. -f1 /proc/uptime)
    until aws ec2 create-tags --resources "$id" --tags Key=smoketest,Value=tested "Key=boottime,Value=$uptime"; do
        sleep 5
    done
}

stop() {
    rm -f "$BOOTED" "$TESTED"
    . /opt/wgen/bin/user-data.sh
    have_user_data || exit 0
    aws ec2 delete-tags --resources "$(get_metadata_attribute instance-id)" --tags Key=smoketest
}

status() {
    if marked "$TESTED"; then exit 0; fi
    if marked "$BOOTED"; then exit 1; fi
    exit 2
}

case "${1:-}" in
    start | stop | status) "$1" ;;
    *) echo 'usage: disco-booted.sh start|stop|status' >&2; exit 3 ;;
esac
