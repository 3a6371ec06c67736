#!/usr/bin/env bash
# Functions for the scripts of a bake. Sourced, never run. Amazon Linux 2023.
# Changes nothing by itself; exports DISCO_OS (amzn or unknown), DISCO_OS_VERSION, DISCO_INIT and DISCO_ROOT.

DISCO_INIT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DISCO_ROOT=$(dirname "$DISCO_INIT")
DISCO_OS=$(. /etc/os-release && echo "$ID")
DISCO_OS_VERSION=$(. /etc/os-release && echo "$VERSION_ID")
if [[ $DISCO_OS != amzn ]]; then
    DISCO_OS=unknown
fi
export DISCO_INIT DISCO_ROOT DISCO_OS DISCO_OS_VERSION

INTERNAL_REPOS=/etc/yum.repos.d/disco-internal.repo

# dnf_install PACKAGE...: install, or fail the bake.
dnf_install() {
    dnf install -y --setopt=install_weak_deps=False "$@"
}

# Packages of our own come from the host called `repo`, which answers only while baking.
enable_internal_repos() { sed -i 's/^enabled=.*/enabled=1/' "$INTERNAL_REPOS"; }
disable_internal_repos() { sed -i 's/^enabled=.*/enabled=0/' "$INTERNAL_REPOS"; }

# The bake machine has its own way out; a proxy that is set for hosts does not exist here.
disable_proxy() {
    unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
}

# get_region: where this machine runs. Metadata service, IMDSv2.
get_region() {
    local imds=http://169.254.169.254/latest token
    token=$(curl -sSf --noproxy '*' --max-time 5 -X PUT \
        -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$imds/api/token") || return 1
    printf 'X-aws-ec2-metadata-token: %s\n' "$token" \
        | curl -sSf --noproxy '*' --max-time 5 -H @- "$imds/meta-data/placement/region"
}

# init_system_user USER [SHELL] [UID]: an account with its own group and no password.
# SHELL: /sbin/nologin (default) or /bin/bash, else exit 1. UID: 20000 to 60000, else exit 2.
init_system_user() {
    local user=$1 shell=${2:-/sbin/nologin} uid=${3:-}
    case "$shell" in
        /bin/bash | /sbin/nologin) ;;
        *) echo "init_system_user: shell '$shell' is not allowed" >&2; exit 1 ;;
    esac
    if [[ -n $uid ]] && { [[ ! $uid =~ ^[0-9]+$ ]] || (( uid < 20000 || uid > 60000 )); }; then
        echo "init_system_user: uid '$uid' is not between 20000 and 60000" >&2
        exit 2
    fi
    if id "$user" >/dev/null 2>&1; then
        return 0
    fi
    useradd -m -U -s "$shell" ${uid:+-u "$uid"} "$user"
    passwd -l "$user" >/dev/null
}

# init_ssh_user USER KEY [COMMAND]: an account that logs in with KEY only, and may only run COMMAND if there is one.
# KEY is a public key, or {s3cred://public_keys/ssh/NAME.pub}, which a host replaces when it boots.
init_ssh_user() {
    local user=$1 key=$2 command=${3:-} home
    init_system_user "$user" /bin/bash
    home=$(getent passwd "$user" | cut -d: -f6)
    install -d -m 0700 -o "$user" -g "$user" "$home/.ssh"
    if [[ -n $command ]]; then
        key="restrict,command=\"$command\" $key"
    fi
    printf '%s\n' "$key" >"$home/.ssh/authorized_keys"
    chown "$user:$user" "$home/.ssh/authorized_keys"
    chmod 0600 "$home/.ssh/authorized_keys"
}

# run_acfg: copy discoroot/ to / for the hostclass in /opt/wgen/etc/hostclass, with owners and modes of acfg.metadata.
run_acfg() {
    "$DISCO_ROOT/asiaq/bin/acfg1.py" "$DISCO_ROOT/discoroot" /
}

# set_hostclass NAME, set_productline NAME: what the image is.
set_hostclass() {
    install -d -m 0755 /opt/wgen/etc
    printf '%s\n' "$1" >/opt/wgen/etc/hostclass
}
set_productline() {
    printf '%s\n' "$1" >/opt/wgen/etc/productline
}

# add_smoketest CHECK...: one line per check, after the checks that every host has. See opt/wgen/bin/get_status.sh.
add_smoketest() {
    printf '%s\n' "$@" >>/opt/wgen/etc/smoketest.conf
}

# Boot services that every host has. systemd sorts them by the After= in their units.
enable_boot_services() {
    systemctl daemon-reload
    systemctl enable \
        disco-root-key disco-hostname disco-add-etc-hosts disco-tag-instance disco-testing-mode \
        disco-update-creds disco-add-operators disco-data-volume disco-associate-eni disco-associate-eip \
        disco-awslogs disco-booted
}

# Leave nothing of the bake in the image.
clean_up() {
    dnf clean all
    find /tmp /var/tmp -mindepth 1 -maxdepth 1 ! -name 'systemd-private-*' -exec rm -rf {} +
}
