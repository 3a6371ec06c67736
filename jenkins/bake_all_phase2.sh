#!/usr/bin/env bash
# Job: bake all hostclasses, init/mhc*.sh without those whose name contains DISABLED. Run in the configuration directory. Exit 0.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=jenkins/boto_init.sh
source "$here/boto_init.sh"
# shellcheck source=jenkins/bake_common.sh
source "$here/bake_common.sh"

hostclasses=()
for script in init/mhc*.sh; do
    if [[ -e $script && $script != *DISABLED* ]]; then
        hostclasses+=("$(basename "$script" .sh)")
    fi
done

bake_hostclasses ${hostclasses[@]+"${hostclasses[@]}"}
