#!/usr/bin/env bash
# Boot: mounts the extra disk (extra_disk of a pipeline, or the volume of the latest snapshot; /dev/sdb for Asiaq) on
# the directory that /etc/disco-data-volume.conf names. Makes a file system only on a disk that has none.
set -euo pipefail
DEVICE=/dev/sdb
MOUNT_POINT=
# shellcheck source=/dev/null
. /etc/disco-data-volume.conf

if [[ -z $MOUNT_POINT ]] || mountpoint -q "$MOUNT_POINT"; then
    exit 0
fi
# udev links the name that Asiaq gave to the NVMe device behind it.
if [[ ! -b $DEVICE ]]; then
    echo "$DEVICE is not there: this host has no extra disk" >&2
    exit 1
fi
# blkid ends with 2 when it finds no signature. Any other failure must not lead to mkfs.
status=0
blkid -p "$DEVICE" >/dev/null || status=$?
case "$status" in
    0) ;;
    2) mkfs.xfs -q "$DEVICE" ;;
    *) echo "cannot tell what is on $DEVICE" >&2; exit 1 ;;
esac
install -d -m 0755 "$MOUNT_POINT"
mount -o nosuid,nodev "$DEVICE" "$MOUNT_POINT"
# A snapshot may be smaller than the disk made from it.
xfs_growfs "$MOUNT_POINT" >/dev/null
