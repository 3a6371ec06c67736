#!/usr/bin/env bash
# Job: bake one hostclass. Environment: HOSTCLASS, and optionally BAKE_TO_STAGE, TOKEN, JENKINS_URL, AWS keys (boto_init.sh).
# The last line on stdout names the image. Exit 1 if there is none.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=jenkins/boto_init.sh
source "$here/boto_init.sh"
# shellcheck source=jenkins/bake_common.sh
source "$here/bake_common.sh"

options=(--hostclass "${HOSTCLASS:?set HOSTCLASS to what is to be baked}" --use-local-ip)
if [[ -n ${BAKE_TO_STAGE:-} ]]; then
    options+=("--stage=$BAKE_TO_STAGE")
fi

if disco_bake.py --debug bake "${options[@]}"; then
    report_status "$HOSTCLASS" true >&2
else
    report_status "$HOSTCLASS" false >&2
    exit 1
fi
