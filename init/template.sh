#!/usr/bin/env bash
# $TEMPLATED_HOSTCLASS: say here what it is for. Made from init/template.sh by `disco_bake create`.
# Runs as root once, in phase 2 of a bake. discoroot/ is already in place. Failing here fails the bake.
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

# Install the software. Files of your own belong to discoroot/, as NAME~$TEMPLATED_HOSTCLASS if only for this one.
# Packages and services that are called otherwise on Amazon Linux have a line in init/common.sh.
#install_packages $TEMPLATED_NAME
#enable_services $TEMPLATED_NAME

set_productline unknown

# A host is ready when all its checks pass: see discoroot/opt/wgen/bin/get_status.sh.
#add_smoketest "is_service_running $TEMPLATED_NAME"
