// Making and attaching mounts with the descriptor-based mount API (Linux 5.2; mount_setattr 5.12).
#ifndef TSRUN_SYS_FILE_SYSTEM_H_
#define TSRUN_SYS_FILE_SYSTEM_H_

#include "plan/codec.h"
#include "sys/fd.h"
#include "sys/kernel.h"

namespace tsrun {

// One file system under construction (fsopen, fsconfig, fsmount).
class FileSystemContext {
 public:
  Status open(const char* type);
  Status set(const char* key, const char* value);
  Status set_flag(const char* key);
  Status set_descriptor(const char* key, int fd);
  // `key=value`, or a flag without `=`.
  Status set_option(Text option);
  Status mount(uint64_t attributes, UniqueFd* mount);

 private:
  UniqueFd context_;
};

// A detached file system from a list of options.
Status make_file_system(const char* type, const char* source, Texts options, uint64_t attributes, UniqueFd* mount);

// Attaches a detached mount at a descriptor's place (move_mount with both paths empty: nothing is looked up again).
inline Status attach_at(int mount, int target) {
  return sys::call<SYS_move_mount>(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH).status();
}

inline Status attach_at_path(int mount, const char* path) {
  return sys::call<SYS_move_mount>(mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH).status();
}

inline Status clone_tree(int directory, const char* path, unsigned flags, UniqueFd* mount) {
  return take(sys::call<SYS_open_tree>(directory, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | flags), mount);
}

inline Status set_mount(int mount, const MountAttributes& attributes, bool recursive) {
  unsigned flags = AT_EMPTY_PATH | (recursive ? unsigned{AT_RECURSIVE} : 0U);
  return sys::call<SYS_mount_setattr>(mount, "", flags, &attributes, sizeof attributes).status();
}

}  // namespace tsrun

#endif  // TSRUN_SYS_FILE_SYSTEM_H_
