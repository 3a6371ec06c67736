#!/usr/bin/env bash
# Phase 1 on Debian 12: updates and packages. Sourced by phase1.sh, which reads common.sh before.
# The CloudWatch agent is no package of Debian: install amazon-cloudwatch-agent.deb here if hosts are to send logs with it.

apt_get update
apt_get dist-upgrade
install_packages awscli ca-certificates chrony cron curl iputils-ping jq logrotate python3 rsync rsyslog xfsprogs
