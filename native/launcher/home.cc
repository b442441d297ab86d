#include "launcher/home.h"

#include <sys/mount.h>

#include "sys/file_system.h"

namespace tsrun {
namespace {

Status open_namespace(UniqueFd* into) {
  return take(sys::call<SYS_openat>(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC), into);
}

// While home is built, the working directory is its root.
const char* relative(const char* path) { return path + 1; }

Status make_directory(const char* path) { return sys::call<SYS_mkdirat>(AT_FDCWD, path, 0755).status(); }

Status mount_at(const char* type, const char* path, uint64_t attributes) {
  UniqueFd mount;
  TSRUN_TRY(make_directory(path));
  TSRUN_TRY(make_file_system(type, "", Texts{}, attributes, &mount));
  return attach_at_path(mount.get(), path);
}

Status bind_at(const char* source, const char* path) {
  UniqueFd mount;
  TSRUN_TRY(make_directory(path));
  TSRUN_TRY(clone_tree(AT_FDCWD, source, AT_RECURSIVE, &mount));
  return attach_at_path(mount.get(), path);
}

// A copy of the host's mounts that belongs to this user namespace and follows what the host mounts later.
Status copy_source() {
  TSRUN_TRY(sys::call<SYS_unshare>(CLONE_NEWNS).status());
  MountAttributes slave_tree{0, 0, MS_SLAVE, 0};
  return sys::call<SYS_mount_setattr>(AT_FDCWD, "/", AT_RECURSIVE, &slave_tree, sizeof slave_tree).status();
}

// Nothing that is mounted in a copy of the host's mounts appears there.
Status part_from_peers() {
  MountAttributes private_tree{0, 0, MS_PRIVATE, 0};
  return sys::call<SYS_mount_setattr>(AT_FDCWD, "/", AT_RECURSIVE, &private_tree, sizeof private_tree).status();
}

Status make_empty_file(const char* path) {
  UniqueFd file;
  return take(sys::call<SYS_openat>(AT_FDCWD, path, O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0), &file);
}

// What masked paths are covered with. Ours alone: a mask taken from the image could be the attacker's (CVE-2025-31133).
Status make_masks() {
  UniqueFd mount;
  TSRUN_TRY(make_directory("mask"));
  TSRUN_TRY(make_file_system("tmpfs", "", Texts{}, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, &mount));
  TSRUN_TRY(attach_at_path(mount.get(), "mask"));
  TSRUN_TRY(make_empty_file(relative(kMaskFile)));
  TSRUN_TRY(sys::call<SYS_mkdirat>(AT_FDCWD, relative(kMaskDirectory), 0).status());
  return set_mount(mount.get(), MountAttributes{MOUNT_ATTR_RDONLY, 0, 0, 0}, false);
}

}  // namespace

Status Home::prune(bool in_user_namespace) {
  if (in_user_namespace) TSRUN_TRY(copy_source());
  TSRUN_TRY(open_namespace(&source_));
  TSRUN_TRY(take(sys::call<SYS_openat>(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC), &source_root_));
  TSRUN_TRY(sys::call<SYS_unshare>(CLONE_NEWNS).status());
  TSRUN_TRY(part_from_peers());

  // proc and sysfs must be whole and writable here, or the kernel refuses new ones inside a user namespace
  // (mount_too_revealing); both are made before the host's are let go.
  UniqueFd root;
  TSRUN_TRY(make_file_system("tmpfs", "", Texts{}, MOUNT_ATTR_NOSUID, &root));
  TSRUN_TRY(attach_at_path(root.get(), "/"));
  TSRUN_TRY(sys::call<SYS_fchdir>(root.get()).status());
  if (in_user_namespace) {
    TSRUN_TRY(bind_at("/proc", "proc"));
    TSRUN_TRY(bind_at("/sys", "sys"));
  } else {
    TSRUN_TRY(mount_at("proc", "proc", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    TSRUN_TRY(mount_at("sysfs", "sys", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
  }
  TSRUN_TRY(make_masks());
  TSRUN_TRY(make_directory(relative(kAttachPoint)));
  TSRUN_TRY(make_directory(relative(kScratch)));
  TSRUN_TRY(make_empty_file(relative(kScratchFile)));
  TSRUN_TRY(sys::call<SYS_pivot_root>(".", ".").status());
  TSRUN_TRY(sys::call<SYS_umount2>(".", MNT_DETACH).status());
  TSRUN_TRY(sys::call<SYS_chdir>("/").status());
  TSRUN_TRY(take(sys::call<SYS_openat>(AT_FDCWD, "/proc", O_PATH | O_DIRECTORY | O_CLOEXEC), &proc_));
  return open_namespace(&home_);
}

// setns puts us at the namespace's root, which is not the caller's when the caller lives in a chroot.
Status Home::enter_source_root() const {
  TSRUN_TRY(sys::call<SYS_fchdir>(source_root_.get()).status());
  return sys::call<SYS_chroot>(".").status();
}

Status Home::enter_source() {
  if (in_source_) return kOk;
  TSRUN_TRY(sys::call<SYS_setns>(source_.get(), CLONE_NEWNS).status());
  in_source_ = true;
  Status entered = enter_source_root();
  // Who was told that it failed does not go home.
  if (!entered.ok()) (void)return_home();
  return entered;
}

Status Home::enter_copy_of_source() {
  TSRUN_TRY(enter_source());
  TSRUN_TRY(sys::call<SYS_unshare>(CLONE_NEWNS).status());
  return part_from_peers();
}

Status Home::return_home() {
  if (!in_source_) return kOk;
  TSRUN_TRY(sys::call<SYS_setns>(home_.get(), CLONE_NEWNS).status());
  in_source_ = false;
  return kOk;
}

}  // namespace tsrun
