#!/usr/bin/env bash
# mhcrepo: packages of our own, for bakes. Put them into /opt/wgen/data/rpm and run createrepo_c there; those for Debian and Ubuntu
# into /opt/wgen/data/deb, with an index that is signed by the key whose public part is discoroot/etc/apt/keyrings/disco.asc:
#   dpkg-scanpackages --multiversion . >Packages
#   apt-ftparchive release . >/tmp/Release                      (of the package apt-utils)
#   gpg --yes --clearsign --output InRelease /tmp/Release
set -euo pipefail
# shellcheck source=init/common.sh
source "$(dirname "$0")/common.sh"

install_packages createrepo nginx
nginx_default_server
enable_services nginx

set_productline platform
add_smoketest 'is_mounted /opt/wgen/data' 'is_service_running nginx' 'get_status 127.0.0.1 80 repo /status'
