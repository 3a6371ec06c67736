#!/usr/bin/env bash
# Boot: lets the CloudWatch agent send the files of /opt/wgen/etc/awslogs.conf to the log groups ENV/HOSTCLASS/PATH,
# where the filters of disco_log_metrics.ini look for them.
set -euo pipefail
. /opt/wgen/bin/user-data.sh
have_user_data || exit 0

AGENT=/opt/aws/amazon-cloudwatch-agent
config=$AGENT/etc/disco.json
# shellcheck disable=SC2154  # environment_name and hostclass are user data
grep -E '^/' /opt/wgen/etc/awslogs.conf \
    | jq -Rn --arg group "$environment_name/$hostclass" '{logs: {logs_collected: {files: {collect_list: [
        inputs | {file_path: ., log_group_name: ($group + .), log_stream_name: "{hostname}", retention_in_days: 30}
    ]}}}}' >"$config"
"$AGENT/bin/amazon-cloudwatch-agent-ctl" -a fetch-config -m ec2 -s -c "file:$config"
