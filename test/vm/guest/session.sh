# PID 1 of the guest, in busybox, above the host's files: completes the system, runs the command, reports its output and status.
# What the harness asks for arrives as firmware files: root, modules, keep, setup, init, command, marker.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
asked=/sys/firmware/qemu_fw_cfg/by_name/opt/tsrun
images=/var/lib/tsrun-images

fail() {
  echo "guest: $*" >/dev/console
  poweroff -f
}

# What of the host would not be seen, such as a checkout below /tmp, is shown again; memory lies over it as over everything else.
show_kept_paths() {
  mount -t tmpfs -o mode=1777 tmpfs /tmp
  count=0
  while IFS=$(printf '\t') read -r source place; do
    [ -n "$source" ] || continue
    kept=/run/guest/kept/$count
    mkdir -p $kept/below $kept/above $kept/work "$place"
    # Not by its name: a comma or a colon in it would be taken for the end of an option.
    mount -o bind "/run/guest/host$source" $kept/below || fail "cannot find $source"
    mount -t overlay -o lowerdir=$kept/below,upperdir=$kept/above,workdir=$kept/work overlay "$place" || fail "cannot keep $source"
    umount $kept/below
    count=$((count + 1))
  done <$asked/keep/raw
  umount /run/guest/host
  rmdir /run/guest/host
}

mount_kernel_file_systems() {
  mkdir -p /dev/pts /dev/shm /dev/mqueue
  mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
  mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs /dev/shm
  mount -t mqueue mqueue /dev/mqueue
  mount -t securityfs securityfs /sys/kernel/security
  mount -t cgroup2 cgroup2 /sys/fs/cgroup || fail "cannot mount cgroup2"
}

# The nodes that udev or systemd-tmpfiles make; opening one of the last three loads its module.
make_devices() {
  ln -s /proc/self/fd /dev/fd
  ln -s /proc/self/fd/0 /dev/stdin
  ln -s /proc/self/fd/1 /dev/stdout
  ln -s /proc/self/fd/2 /dev/stderr
  mkdir -p /dev/net
  make_node /dev/loop-control 237
  make_node /dev/fuse 229
  make_node /dev/net/tun 200
}

make_node() {
  [ -e "$1" ] || mknod -m 666 "$1" c 10 "$2"
}

enable_controllers() {
  for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control || fail "cannot enable $controller"
  done
}

# The kernel loads what it needs (veth, bridge, nf_tables, loop …) by itself, through the host's modprobe.
link_modules() {
  mkdir -p /lib/modules
  ln -sfn "$(cat $asked/modules/raw)/lib/modules/$(uname -r)" "/lib/modules/$(uname -r)"
}

mount_images() {
  mkdir -p $images
  mount -t ext4 /dev/vda $images || fail "cannot mount the disk of images"
}

prepare_machine() {
  hostname tsrun-guest
  ip link set lo up
  # A kernel starts its first process with 4096 at most; every distribution's init raises that.
  ulimit -Hn 1048576
}

open_ports() {
  for port in /sys/class/virtio-ports/*; do
    case $(cat "$port/name") in
      output) exec 8<>"/dev/${port##*/}" ;;
      errors) exec 9<>"/dev/${port##*/}" ;;
    esac
  done
}

# The command sees pipes, like in any CI; the ports stay open here, because closing one may drop what it still holds.
run_command() {
  mkfifo /run/guest/output /run/guest/errors
  cat /run/guest/output >&8 9>&- &
  output=$!
  cat /run/guest/errors >&9 8>&- &
  errors=$!
  cp $asked/command/raw /run/guest/command
  setsid /bin/sh /run/guest/command </dev/null >/run/guest/output 2>/run/guest/errors 8>&- 9>&-
  status=$?
  # A process left in the background may hold the pipes: what it says after a moment is not waited for.
  (sleep 3 && kill $output $errors) 8>&- 9>&- &
  wait $output $errors
  printf '%s%s\n' "$(cat $asked/marker/raw)" "$status" >&9
  printf '%s%s\n' "$(cat $asked/marker/raw)" "$status" >&8
}

serve() {
  open_ports
  /bin/sh -eu $asked/setup/raw >/dev/console 2>&1 </dev/null || fail "setup of the lane failed"
  run_command
  # The harness ends the emulator as soon as it has read the markers.
  sleep 20
  poweroff -f
}

# The rest is done by a service of systemd's. Of the host's own units nothing is started but the bus, once somebody asks for it.
start_systemd() {
  units=/run/systemd/system
  mkdir -p $units
  printf '[Unit]\nDefaultDependencies=no\nWants=dbus.socket\n[Service]\nExecStart=/run/guest/busybox sh /run/guest/session serve\nStandardOutput=null\nStandardError=null\nLimitNOFILE=1048576\n' >$units/tsrun-session.service
  printf '[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=/run/dbus/system_bus_socket\n' >$units/dbus.socket
  printf '[Unit]\nDefaultDependencies=no\nRequires=dbus.socket\n[Service]\nType=notify\nExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation\n' >$units/dbus.service
  exec /lib/systemd/systemd --system --unit=tsrun-session.service
}

[ "${1:-}" != serve ] || serve

show_kept_paths
mount_kernel_file_systems
make_devices
enable_controllers
link_modules
mount_images
prepare_machine
case $(cat $asked/init/raw) in
  systemd) start_systemd ;;
  *) serve ;;
esac
