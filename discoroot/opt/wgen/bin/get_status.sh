#!/usr/bin/env bash
# Checks for smoketest.conf. Sourced. Each function answers with its status: 0 is good. Any command may stand in
# smoketest.conf too.

# is_service_running NAME...: one of them, because distributions have names of their own.
is_service_running() { systemctl is-active --quiet "$@"; }

# is_port_open HOST PORT: does somebody listen there (TCP)?
# shellcheck disable=SC2016  # the inner bash expands its own arguments
is_port_open() { timeout 5 bash -c 'exec 3<>"/dev/tcp/$1/$2"' _ "$1" "$2" 2>/dev/null; }

# get_status HOST PORT SERVICE [PAGE]: does http://HOST:PORT/PAGE answer with success? SERVICE is for people.
get_status() { curl -sf --noproxy '*' --max-time 5 -o /dev/null "http://$1:$2${4:-/}"; }

# get_https_status HOST PORT SERVICE [CODE]: does https://HOST:PORT/ answer with CODE (200)? Takes any certificate.
get_https_status() {
    [[ $(curl -sk --noproxy '*' --max-time 5 -o /dev/null -w '%{http_code}' "https://$1:$2/") == "${4:-200}" ]]
}

is_mounted() { mountpoint -q "$1"; }

# check_root_disk_space: no more than 98 % used.
check_root_disk_space() { (( $(df --output=pcent / | tail -n 1 | tr -dc 0-9) <= 98 )); }

check_ntpstat() { chronyc -n waitsync 1 >/dev/null; }

check_rsyslog_port() { is_port_open 127.0.0.1 514; }

# check_floating_ip: a host that should have a static address has one, unless it is under test.
check_floating_ip() { [[ -z ${floating_ips:-} || -s /etc/floating_ip ]] || is_testing_mode; }

check_zookeeper() { get_status 127.0.0.1 8080 zookeeper /commands/ruok; }
