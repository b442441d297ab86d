#!/bin/sh
# PID 1 of the initramfs: lays memory over the host's read-only files, all of them or a folder with a system, then hands over to the session.
/bin/busybox --install -s /bin
export PATH=/bin

fail() {
  echo "guest: $*"
  poweroff -f
}

mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
while read -r module; do
  insmod "/modules/$module" || fail "cannot load $module"
done </modules/order

mount -t 9p -o trans=virtio,version=9p2000.L,msize=1048576,cache=loose,ro host /host || fail "cannot mount the host's files"
mount -t tmpfs tmpfs /memory
mkdir /memory/files /memory/work
root=$(cat /sys/firmware/qemu_fw_cfg/by_name/opt/tsrun/root/raw)
mount -t overlay -o "lowerdir=/host$root,upperdir=/memory/files,workdir=/memory/work" overlay /root || fail "cannot make the overlay"

mount -o move /proc /root/proc
mount -o move /sys /root/sys
mount -o move /dev /root/dev
mount -t tmpfs -o mode=755 tmpfs /root/run
mkdir /root/run/guest /root/run/guest/host
mount -o move /host /root/run/guest/host
cp /bin/busybox /session /root/run/guest/
exec switch_root /root /run/guest/busybox sh /run/guest/session
