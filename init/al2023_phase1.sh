#!/usr/bin/env bash
# Phase 1 on Amazon Linux 2023. Sourced by phase1.sh, which sets HOSTCLASS and reads common.sh.

dnf upgrade -y --releasever=latest
dnf_install amazon-cloudwatch-agent awscli-2 chrony cronie jq logrotate rsync rsyslog xfsprogs

# Users that every host knows. Their keys come from the credential bucket when a host boots.
init_ssh_user smoketest '{s3cred://public_keys/ssh/smoketest.pub}' /opt/wgen/bin/smoketest.sh
init_ssh_user snapshot '{s3cred://public_keys/ssh/snapshot.pub}'
init_ssh_user disco_tester '{s3cred://public_keys/ssh/test.pub}'
groupadd -f disco_operators

set_hostclass "$HOSTCLASS"
run_acfg

# discoroot brings sshd_config.d/10-disco.conf. Make sure that sshd looks there.
if ! grep -q '^Include /etc/ssh/sshd_config.d/' /etc/ssh/sshd_config; then
    sed -i '1i Include /etc/ssh/sshd_config.d/*.conf' /etc/ssh/sshd_config
fi

systemctl enable chronyd crond rsyslog
enable_boot_services
