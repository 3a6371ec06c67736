#!/usr/bin/env bash
# Forced command of the ssh user smoketest. Without a command: 0 tested, 1 booted but not tested, 2 not booted.
# With an IPv4 address as command: asks that host. Anything else: 10.
set -uo pipefail

octet='(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])'
case "${SSH_ORIGINAL_COMMAND:-}" in
    '')
        exec /opt/wgen/bin/disco-booted.sh status
        ;;
    *)
        if [[ $SSH_ORIGINAL_COMMAND =~ ^$octet\.$octet\.$octet\.$octet$ ]]; then
            exec ssh -oBatchMode=yes -oConnectTimeout=10 -oStrictHostKeyChecking=accept-new \
                "smoketest@$SSH_ORIGINAL_COMMAND"
        fi
        echo 'only an IPv4 address is understood' >&2
        exit 10
        ;;
esac
