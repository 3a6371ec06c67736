#!/usr/bin/env bash
# Phase 1 on Ubuntu 24.04: updates and packages. Sourced by phase1.sh, which reads common.sh before.
# The CloudWatch agent is no package of Ubuntu: install amazon-cloudwatch-agent.deb here if hosts are to send logs with it.

apt_get update
apt_get dist-upgrade
install_packages ca-certificates chrony cron curl iputils-ping jq logrotate python3 rsync rsyslog xfsprogs

# Ubuntu has the AWS tools as a snap only, and services do not look into /snap/bin.
if ! command -v aws >/dev/null; then
    snap install aws-cli --classic
    ln -sfn /snap/bin/aws /usr/local/bin/aws
fi
