#!/usr/bin/env bash
# Boot: writes the addresses of proxy, log aggregator and log forwarder from user data to /etc/hosts.
set -euo pipefail
. /opt/wgen/bin/user-data.sh
have_user_data || exit 0

# line ADDRESS NAME: a line for /etc/hosts, or a comment when there is no such host.
line() {
    if [[ -n $1 ]]; then
        printf '%s %s # disco\n' "$1" "$2"
    else
        printf '# no %s # disco\n' "$2"
    fi
}

new=$(mktemp)
trap 'rm -f "$new"' EXIT
{
    grep -v ' # disco$' /etc/hosts || true
    line "${http_proxy_ip:-}" s3proxy
    line "${logger_ip:-}" discologger
    line "${logforwarder_ip:-}" logforwarder
} >"$new"
cat "$new" >/etc/hosts
