#!/usr/bin/env bash
# Phase 1 of a bake: makes a base image from a vendor image. Runs as root on the machine being baked.
#   phase1.sh HOSTCLASS        HOSTCLASS is [bake] phase1_hostclass, a stand-in: mhcgeneric
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

HOSTCLASS=${1:?usage: phase1.sh HOSTCLASS}
disable_proxy

case "$DISCO_OS$DISCO_OS_VERSION" in
    amzn2023*)
        # shellcheck source=init/al2023_phase1.sh
        source "$DISCO_INIT/al2023_phase1.sh"
        ;;
    *)
        echo "phase1.sh: no script for $DISCO_OS $DISCO_OS_VERSION" >&2
        exit 1
        ;;
esac
clean_up
