#!/usr/bin/env bash
# mhcgenerictester: runs integration tests. discoroot brings /opt/asiaq/bin/run_tests.sh ([test] test_command).
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

install_packages ncat

set_productline platform
add_smoketest 'test -x /opt/asiaq/bin/run_tests.sh'
