#!/usr/bin/env bash
# maintenance-mode.sh on|off|pause|resume|help: keeps smokealarm.sh from having this host replaced for a while
# (REASONABLE_MAINTENANCE_TIME). on and off also stop and start the web server.
set -euo pipefail
. /etc/disco-boot.conf

pause() {
    mkdir -p "$(dirname "$MAINTENANCE_MODE_FILE")"
    date -u +%Y-%m-%dT%H:%M:%SZ >"$MAINTENANCE_MODE_FILE"
}
resume() { rm -f "$MAINTENANCE_MODE_FILE"; }
usage() { echo 'usage: maintenance-mode.sh on|off|pause|resume|help'; }

# web ACTION: for the web servers that are installed.
web() {
    local unit
    for unit in nginx.service httpd.service; do
        if systemctl is-enabled --quiet "$unit" 2>/dev/null; then
            systemctl "$1" "$unit"
        fi
    done
}

case "${1:-}" in
    on) pause; web stop ;;
    off) web start; resume ;;
    pause | resume) "$1" ;;
    help) usage ;;
    *) usage >&2; exit 1 ;;
esac
