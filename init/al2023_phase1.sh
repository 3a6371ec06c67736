#!/usr/bin/env bash
# Phase 1 on Amazon Linux 2023: updates and packages. Sourced by phase1.sh, which reads common.sh before.

dnf upgrade -y --releasever=latest
install_packages amazon-cloudwatch-agent awscli chrony cron jq logrotate rsync rsyslog xfsprogs
