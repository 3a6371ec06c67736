#!/usr/bin/env bash
# Part of Asiaq: log in to a host by name, or make tunnels to it. Deprecated: disco_ssh does it better.
# It finds hosts by the columns of `disco_aws listhosts`. `asiaq link-names DIR` installs it.
set -euo pipefail

warn() { printf '%s\n' "$*" >&2; }

warn 'WARNING: disco_ssh.sh is deprecated. Please use disco_ssh'

if [[ $# -lt 2 || -z $1 || -z $2 ]]; then
    warn "usage: ${0##*/} ENV HOST [PORT...]"
    warn "  HOST   part of a line of 'disco_aws listhosts': a hostclass, an instance id, an address"
    warn '  PORT   make tunnels from these local ports to the same ports of the host'
    exit 2
fi
environment=$1
wanted=$2
ports=("${@:3}")

for port in ${ports[@]+"${ports[@]}"}; do
    if ! [[ $port =~ ^[0-9]{1,5}$ ]] || ((10#$port < 1 || 10#$port > 65535)); then
        warn "'$port' is not a port"
        exit 2
    fi
done

# Fields of a line: instance id, hostclass, address, whether it has a host name, private address.
if ! table=$(disco_aws --env "$environment" listhosts --hostname --private-ip); then
    warn "Can't list the hosts of env '$environment'. Are you on the VPN?"
    exit 1
fi

# The first line of the table with a text in it, as the array `fields`; empty if there is none.
fields=()
first_line_with() {
    local line
    fields=()
    while IFS= read -r line; do
        if [[ $line != *' bake_'* && $line == *"$1"* ]]; then
            read -ra fields <<<"$line"
            return
        fi
    done <<<"$table"
}

first_line_with mhcadminproxy
jump_id=${fields[0]:-}
jump=${fields[2]:-}
if [[ $jump == - ]]; then
    jump=
fi

first_line_with "$wanted"
target_id=${fields[0]:-}
if [[ -n $jump ]]; then
    target=${fields[4]:-}
else
    target=${fields[2]:-}
fi
if [[ -z $target || $target == - ]]; then
    warn "Can't find host '$wanted' in env '$environment'"
    exit 1
fi

user=${USER:-$(id -un)}
has_identity() { [[ $(ssh-add -l 2>/dev/null || true) == *"$user"* ]]; }

if ! has_identity; then
    agent=$(ssh-agent -s)
    eval "$agent" >/dev/null
    trap 'kill "$SSH_AGENT_PID"' EXIT
    ssh-add "${HOME:?}/.ssh/id_rsa" </dev/null || true
    if ! has_identity; then
        warn "The ssh agent has no key of '$user', and ~/.ssh/id_rsa could not be added. Add your key with ssh-add."
        exit 1
    fi
fi

# Host keys are known by instance id: addresses are used again, instance ids are not. The file is Asiaq's own here, and the
# user's on the jump host.
check=-oStrictHostKeyChecking=accept-new
state=${XDG_STATE_HOME:-}
if [[ $state != /* ]]; then
    state=${HOME:?}/.local/state
fi
state=$state/asiaq
(umask 077 && mkdir -p -- "$state")
known=$state/known_hosts
known=${known//\\/\\\\}
known=${known//\"/\\\"}
known="-oUserKnownHostsFile=\"${known//%/%%}\""

# Words of ASIAQ_SSH_OPTIONS, quoted as in a shell; nothing in them is run.
words=$(xargs -r printf '%s\n' <<<"${ASIAQ_SSH_OPTIONS:-}")
options=()
if [[ -n $words ]]; then
    mapfile -t options <<<"$words"
fi
options+=("$check" "$known")

# Tells the command line and runs it.
run() {
    printf '%q ' "$@" >&2
    printf '\n' >&2
    "$@"
}

if ((${#ports[@]} > 0)); then
    if [[ -z $jump ]]; then
        warn "Tunnels need a jump host, and env '$environment' has none"
        exit 1
    fi
    tunnels=()
    for port in "${ports[@]}"; do
        tunnels+=(-L "$port:$target:$port")
    done
    run ssh -A "${tunnels[@]}" "${options[@]}" "-oHostKeyAlias=$jump_id" "$jump" \
        "echo -n 'Tunnel(s) created. Press Ctrl-C to disconnect...'; tail -f /dev/null"
    exit
fi

terminal=(-At)
if [[ ! -t 0 ]]; then
    terminal+=(-t -t)
fi
destination=${SSH_USER:+$SSH_USER@}$target
if [[ -z $jump ]]; then
    run ssh "${terminal[@]}" "${options[@]}" "-oHostKeyAlias=$target_id" "$destination"
else
    # The shell of the jump host takes the second command line apart again.
    second=()
    for word in ssh "${terminal[@]}" "$check" "-oHostKeyAlias=$target_id" "$destination"; do
        second+=("$(printf '%q' "$word")")
    done
    run ssh "${terminal[@]}" "${options[@]}" "-oHostKeyAlias=$jump_id" "$jump" "${second[@]}"
fi
