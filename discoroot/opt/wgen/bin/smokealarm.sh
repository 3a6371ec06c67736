#!/usr/bin/env bash
# Cron, every five minutes: is this host still good? Marks it unhealthy if it has not booted in time, if its smoke tests
# fail, or if somebody forgot it in maintenance mode.
set -uo pipefail
. /etc/disco-boot.conf

unhealthy() {
    /opt/wgen/bin/mark_unhealthy.sh "$1"
    exit 1
}

if (( $(cut -d. -f1 /proc/uptime) < REASONABLE_BOOT_TIME )); then
    exit 0
fi
/opt/wgen/bin/disco-booted.sh status || unhealthy 'not booted and tested in time'

if [[ -e $MAINTENANCE_MODE_FILE ]]; then
    age=$(( $(date +%s) - $(stat -c %Y "$MAINTENANCE_MODE_FILE") ))
    if (( age > REASONABLE_MAINTENANCE_TIME )); then
        unhealthy 'in maintenance mode for too long'
    fi
    exit 0
fi

# Not all hosts at the same moment.
sleep $((RANDOM % 300))
if ! /opt/wgen/bin/smoketest.unit.sh && [[ ! -e $MAINTENANCE_MODE_FILE ]]; then
    unhealthy 'smoke test failed'
fi
