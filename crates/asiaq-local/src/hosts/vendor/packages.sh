#!/bin/sh
# Stands in for a package manager on hosts of Asiaq's local cloud, which have no network and the programs of the machine.
# Notes what it was asked for. A package with a service gets a unit that only waits, so that it can be enabled and looked
# after. Packages called no-such-* are unknown, as a misspelt name is.
set -u
manager=${0##*/}
printf '%s %s\n' "$manager" "$*" >>/var/log/local-packages.log

unit() {
    printf '[Unit]\nDescription=stand-in for %s\n[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n' \
        "$1" >"/usr/lib/systemd/system/$1.service"
}

verb=
for word; do
    case $verb:$word in
        :install) verb=install ;;
        install:no-such-*) echo "$manager: unable to locate package $word" >&2; exit 100 ;;
        install:chrony) if [ "$manager" = dnf ]; then unit chronyd; else unit chrony; fi ;;
        install:cronie) unit crond ;;
        install:libreswan) unit ipsec ;;
        install:cron | install:rsyslog | install:nginx | install:squid | install:jenkins | install:zookeeper) unit "$word" ;;
    esac
done
echo "$manager: stand-in of the local cloud, nothing is installed: $*"
