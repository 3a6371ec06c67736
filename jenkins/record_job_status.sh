#!/usr/bin/env bash
# Used by the job bake-hostclass-STATUS: keeps the last result of each hostclass in files of its workspace.
#   record_job_status.sh JOB HOSTCLASS BUILD true|false
# HOSTCLASS.number holds the newest build that was reported, HOSTCLASS.failure exists while that one failed. A report of an older
# build is discarded. Exit 1 while any hostclass has failed. Environment: WORKSPACE [.]
set -euo pipefail
shopt -s nullglob

if [[ $# -ne 4 || ! $2 =~ ^[A-Za-z0-9_.-]+$ || $2 == .* || ! $3 =~ ^[0-9]+$ || ! $4 =~ ^(true|false)$ ]]; then
    echo "Usage: $(basename "$0") JOB HOSTCLASS BUILD true|false" >&2
    exit 1
fi
job=$1 hostclass=$2 build=$((10#$3)) succeeded=$4
cd "${WORKSPACE:-.}"

last=0
if [[ -s $hostclass.number ]]; then
    read -r last <"$hostclass.number" || true
fi
if [[ $last =~ ^[0-9]+$ ]] && (( build < 10#$last )); then
    echo "$job: build $build of $hostclass is older than $last: discarded"
else
    printf '%s\n' "$build" >"$hostclass.number"
    if [[ $succeeded == true ]]; then
        rm -f "$hostclass.failure"
    else
        printf '%s %s\n' "$job" "$build" >"$hostclass.failure"
    fi
fi

failures=(*.failure)
if (( ${#failures[@]} > 0 )); then
    printf 'failed: %s\n' "${failures[@]%.failure}"
    exit 1
fi
