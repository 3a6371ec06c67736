#!/usr/bin/env bash
# Job: promote the images that have run well in `ci` for two hours, and the newest of two hostclasses that run elsewhere.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=jenkins/boto_init.sh
source "$here/boto_init.sh"

disco_aws.py --debug --env ci promoterunning --hours 2
for hostclass in mhccustomerswan mhcdiscodeployenator; do
    disco_bake.py hostclasspromote --hostclass "$hostclass"
done
