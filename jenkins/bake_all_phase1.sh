#!/usr/bin/env bash
# Job: bake all base images, those sections of disco_aws.ini that have phase=1 and a bake_ami. Run in the configuration directory.
# Exit 0.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=jenkins/boto_init.sh
source "$here/boto_init.sh"
export BAKE_TO_STAGE=tested
# shellcheck source=jenkins/bake_common.sh
source "$here/bake_common.sh"

ini=./disco_aws.ini
if [[ ! -e $ini ]]; then
    ini=./config/disco_aws.ini
fi

# Sections of general use may hold these keys as well: they are defaults there.
mapfile -t images < <(awk '
    /^\[/ { section = $0; sub(/^\[/, "", section); sub(/\].*$/, "", section); next }
    /^[ \t]*[#;]/ { next }
    {
        key = tolower($0); sub(/[ \t]*[=:].*$/, "", key)
        value = $0; sub(/^[^=:]*[=:][ \t]*/, "", value); sub(/[ \t]+;.*$/, "", value); sub(/[ \t\r]+$/, "", value)
    }
    key == "phase" && value == "1" && section != "bake" && section != "disco_aws" { found[section] = 1 }
    key == "bake_ami" { source[section] = value }
    key == "default_bake_ami" && section == "disco_aws" { common = value }
    END {
        if (source["bake"] != "") common = source["bake"]
        for (section in found) {
            if (source[section] != "" || common != "") print section
            else print section " is left out: it has no bake_ami" >"/dev/stderr"
        }
    }
' "$ini" | sort -u)

bake_hostclasses ${images[@]+"${images[@]}"}
