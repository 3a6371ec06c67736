#!/usr/bin/env bash
# Functions for the scripts of a bake. Sourced, never run. Amazon Linux 2023, Ubuntu 24.04, Debian 12.
# Changes nothing by itself; exports DISCO_OS (amzn, ubuntu, debian or unknown), DISCO_OS_VERSION, DISCO_RELEASE (al2023,
# ubuntu2404, debian12 or unknown), DISCO_INIT and DISCO_ROOT.

DISCO_INIT=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
DISCO_ROOT=$(dirname "$DISCO_INIT")
DISCO_OS=$(. /etc/os-release && echo "${ID:-}")
DISCO_OS_VERSION=$(. /etc/os-release && echo "${VERSION_ID:-}")
case "$DISCO_OS $DISCO_OS_VERSION" in
    'amzn 2023'*) DISCO_RELEASE=al2023 ;;
    'ubuntu 24.04') DISCO_RELEASE=ubuntu2404 ;;
    'debian 12') DISCO_RELEASE=debian12 ;;
    *) DISCO_OS=unknown DISCO_RELEASE=unknown ;;
esac
export DISCO_INIT DISCO_ROOT DISCO_OS DISCO_OS_VERSION DISCO_RELEASE

# ---- Packages and services: by Debian's names, where distributions differ ----

# require_known_os: end the bake on any other system.
require_known_os() {
    if [[ $DISCO_RELEASE == unknown ]]; then
        local name
        name=$(. /etc/os-release && echo "${PRETTY_NAME:-${ID:-no name}}")
        echo "$(basename "$0"): there are no init scripts for $name" >&2
        exit 1
    fi
}

# package_name NAME, service_name NAME: what it is called here.
package_name() {
    case "$DISCO_OS:$1" in
        amzn:awscli) echo awscli-2 ;;
        amzn:createrepo) echo createrepo_c ;;
        *:createrepo) echo dpkg-dev ;;
        amzn:cron) echo cronie ;;
        amzn:java) echo java-17-amazon-corretto-headless ;;
        *:java) echo openjdk-17-jre-headless ;;
        amzn:ncat) echo nmap-ncat ;;
        *) echo "$1" ;;
    esac
}
service_name() {
    case "$DISCO_OS:$1" in
        amzn:chrony) echo chronyd ;;
        amzn:cron) echo crond ;;
        amzn:ssh) echo sshd ;;
        *) echo "$1" ;;
    esac
}

# install_packages NAME...: install, or fail the bake.
install_packages() {
    local name names=()
    for name; do
        names+=("$(package_name "$name")")
    done
    case "$DISCO_OS" in
        amzn) dnf install -y --setopt=install_weak_deps=False "${names[@]}" ;;
        *) apt_get install --no-install-recommends "${names[@]}" ;;
    esac
}

# enable_services NAME...: start at boot.
enable_services() {
    local name
    systemctl daemon-reload
    for name; do
        systemctl enable "$(service_name "$name")"
    done
}

# apt_get WORDS...: asks nothing, keeps our configuration files, waits for others that install.
apt_get() {
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -y -o DPkg::Lock::Timeout=300 \
        -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

# Packages of our own come from the host called `repo`, which answers only while baking.
# can_use_internal_repos: apt-get update fails without the key, or without a signed index; dnf skips what it cannot read.
can_use_internal_repos() {
    local key=/etc/apt/keyrings/disco.asc index=http://repo/deb/InRelease
    if [[ $DISCO_OS == amzn ]]; then
        return 0
    fi
    if [[ ! -r $key ]]; then
        echo "packages of our own are left out: there is no $key" >&2
        return 1
    fi
    if ! curl -sf --noproxy '*' --max-time 10 -o /dev/null "$index"; then
        echo "packages of our own are left out: $index does not answer" >&2
        return 1
    fi
}
enable_internal_repos() { switch_internal_repos 1 yes; }
disable_internal_repos() { switch_internal_repos 0 no; }
switch_internal_repos() {
    case "$DISCO_OS" in
        amzn) sed -i "s/^enabled=.*/enabled=$1/" /etc/yum.repos.d/disco-internal.repo ;;
        *) sed -i "s/^Enabled:.*/Enabled: $2/" /etc/apt/sources.list.d/disco-internal.sources ;;
    esac
}

# nginx_default_server: what Amazon's nginx has and Debian's has not: a server on port 80 with the files of default.d/.
nginx_default_server() {
    if [[ $DISCO_OS == amzn ]]; then
        return 0
    fi
    rm -f /etc/nginx/sites-enabled/default
    install -d -m 0755 /etc/nginx/conf.d
    cat >/etc/nginx/conf.d/disco.conf <<'CONF'
server {
    listen 80 default_server;
    root /usr/share/nginx/html;
    include /etc/nginx/default.d/*.conf;
}
CONF
}

# ---- The machine being baked ----

# The bake machine has its own way out; a proxy that is set for hosts does not exist here.
disable_proxy() {
    unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY
}

# A vendor's image may still be at its first boot when ssh answers.
wait_for_first_boot() {
    if command -v cloud-init >/dev/null; then
        cloud-init status --wait >/dev/null || true
    fi
}

# imds PATH: text at PATH below .../latest/ of the metadata service. IMDSv2.
imds() {
    local service=http://169.254.169.254/latest token
    token=$(curl -sSf --noproxy '*' --max-time 5 -X PUT \
        -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$service/api/token") || return 1
    printf 'X-aws-ec2-metadata-token: %s\n' "$token" \
        | curl -sf --noproxy '*' --max-time 5 -H @- "$service/$1"
}
get_region() { imds meta-data/placement/region; }

# ---- Users ----

# init_system_user USER [SHELL] [UID]: an account with its own group and no password.
# SHELL: /sbin/nologin (default) or /bin/bash, else exit 1. UID: 20000 to 60000, else exit 2.
init_system_user() {
    local user=$1 shell=${2:-/sbin/nologin} uid=${3:-} group=-U
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
    # acfg may have made the group: see acfg.metadata.
    if getent group "$user" >/dev/null; then
        group="-g$user"
    fi
    # No password. Not `!` either, which some ssh servers take for a locked account.
    useradd -m "$group" -p '*' -s "$shell" ${uid:+-u "$uid"} "$user"
}

# init_ssh_user USER KEY [COMMAND]: an account that logs in with KEY only, and may only run COMMAND if there is one.
# KEY is a public key, or {s3cred://public_keys/ssh/NAME.pub}, which a host replaces when it boots.
init_ssh_user() {
    local user=$1 key=$2 command=${3:-} home group
    init_system_user "$user" /bin/bash
    home=$(getent passwd "$user" | cut -d: -f6)
    group=$(id -g "$user")
    install -d -m 0700 -o "$user" -g "$group" "$home" "$home/.ssh"
    if [[ -n $command ]]; then
        key="restrict,command=\"$command\" $key"
    fi
    printf '%s\n' "$key" >"$home/.ssh/authorized_keys"
    chown "$user:$group" "$home/.ssh/authorized_keys"
    chmod 0600 "$home/.ssh/authorized_keys"
}
# init_one_command_user USER COMMAND KEY
init_one_command_user() { init_ssh_user "$1" "$3" "$2"; }
# init_shell_user USER HASH KEY: HASH is a hashed password, or empty for none.
init_shell_user() {
    init_ssh_user "$1" "$3"
    if [[ -n $2 ]]; then
        chpasswd -e <<<"$1:$2"
    fi
}

# ---- What the image is ----

# run_acfg: copy discoroot/ to / for the hostclass in /opt/wgen/etc/hostclass, with owners and modes of acfg.metadata.
run_acfg() {
    "$DISCO_ROOT/asiaq/bin/acfg1.py" "$DISCO_ROOT/discoroot" /
}

set_hostclass() {
    install -d -m 0755 /opt/wgen/etc
    printf '%s\n' "$1" >/opt/wgen/etc/hostclass
}
set_productline() {
    install -d -m 0755 /opt/wgen/etc
    printf '%s\n' "$1" >/opt/wgen/etc/productline
}

# write_bake_marker PHASE BAKE_ID: notes in /opt/wgen/etc/bake how this image was made. Names of images are known where the
# metadata service offers the tags of the machine; phase 2 finds the name of its base image in the note of phase 1.
write_bake_marker() {
    local file=/opt/wgen/etc/bake image base=
    if [[ -r $file ]]; then
        case "$1" in
            1) ;;
            *) base=$(sed -n -e 's/^base_image=//p' "$file")
               base=${base:-$(sed -n -e 's/^image=//p' "$file")} ;;
        esac
    fi
    image=$(imds meta-data/tags/instance/bake_image) || image=
    {
        printf 'phase=%s\nbake_id=%s\n' "$1" "$2"
        printf 'image=%s\nbase_image=%s\n' "$image" "$base"
        printf 'source_ami=%s\n' "$(imds meta-data/ami-id || true)"
        printf 'release=%s\ndate=%s\n' "$DISCO_RELEASE" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    } >"$file.new"
    chmod 0644 "$file.new"
    mv "$file.new" "$file"
}

# add_smoketest CHECK...: one line per check, after the checks that every host has. See opt/wgen/bin/get_status.sh.
add_smoketest() {
    printf '%s\n' "$@" >>/opt/wgen/etc/smoketest.conf
}

# Boot services that every host has. systemd sorts them by the After= in their units. Two need a program that not every
# image has; they would fail at each boot without it.
enable_boot_services() {
    local services=(
        disco-root-key disco-hostname disco-add-etc-hosts disco-tag-instance disco-testing-mode
        disco-update-creds disco-data-volume disco-associate-eni disco-associate-eip disco-booted
    )
    if [[ -x /opt/wgen/asiaq/bin/disco_accounts.py ]]; then
        services+=(disco-add-operators)
    fi
    if [[ -x /opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl ]]; then
        services+=(disco-awslogs)
    fi
    systemctl daemon-reload
    systemctl enable "${services[@]}"
}

# Leave nothing of the bake in the image.
clean_up() {
    case "$DISCO_OS" in
        amzn) dnf clean all ;;
        *) apt_get clean ;;
    esac
    find /tmp /var/tmp -mindepth 1 -maxdepth 1 ! -name 'systemd-private-*' ! -name 'ssh-*' -exec rm -rf {} +
}
