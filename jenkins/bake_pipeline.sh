#!/usr/bin/env bash
# Job: bake all hostclasses of a pipeline and pin the pipeline to the new images.
#   bake_pipeline.sh FILE     FILE is relative to the working directory
# Bakes the second column of the lines that begin with a digit, each once. Writes the pipeline with the new images in a column `ami`
# to a new file XXXX.csv here, and prints its name as the last line. Exit 1 if a bake failed.
# PARALLEL bakes run at once [4]. To bake only what is older than its inputs: disco_bake bake --pipeline FILE.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

if [[ $# -ne 1 || $1 == -h || $1 == --help ]]; then
    echo "Usage: $(basename "$0") FILE" >&2
    exit 1
fi
pipeline=$1
if [[ ! -r $pipeline ]]; then
    echo "$pipeline cannot be read" >&2
    exit 1
fi

# shellcheck source=jenkins/boto_init.sh
source "$here/boto_init.sh"

options=(--parallel "${PARALLEL:-4}")
while IFS= read -r hostclass; do
    options+=(--hostclass "$hostclass")
done < <(awk -F, '/^[0-9]/ { gsub(/["\r \t]/, "", $2); if ($2 != "" && !seen[$2]++) print $2 }' "$pipeline")
if (( ${#options[@]} == 2 )); then
    echo "$pipeline has no hostclass in its second column" >&2
    exit 1
fi

status=0
results=$ASIAQ_JOB_DIR/results
disco_bake.py bake "${options[@]}" | tee "$results" || status=1

# Created HOSTCLASS SECONDS AMI ID
awk '$1 == "Created" && $4 == "AMI" { print $2, $5 }' "$results" >"$ASIAQ_JOB_DIR/images"
output=$(mktemp XXXX.csv)
"$here/add_ami_to_pipeline_csv.py" --map "$ASIAQ_JOB_DIR/images" --input "$pipeline" --output "$output"
echo "$output"
exit "$status"
