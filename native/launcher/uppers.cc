#include "launcher/uppers.h"

#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <sys/vfs.h>

#include "launcher/helpers.h"
#include "sys/directory.h"
#include "sys/process.h"

#ifndef SYS_quotactl_fd
#define SYS_quotactl_fd 443
#endif

namespace tsrun {
namespace {

inline constexpr uint64_t kQuotaBlock = 1024;

// Freed within a millisecond.
inline constexpr uint64_t kLittle = uint64_t{4} << 20;

Status project_quota(int file, unsigned command, uint32_t project, void* data) {
  return sys::call<SYS_quotactl_fd>(file, QCMD(command, PRJQUOTA), project, data).status();
}

// With the limit goes the project's entry in the quota file.
void forget_project(int file, uint32_t project) {
  if_dqblk none{};
  none.dqb_valid = QIF_BLIMITS;
  (void)project_quota(file, Q_SETQUOTA, project, &none);
}

// A tree of any depth without recursion: what is two folders down is moved up, so that no name is ever longer than these.
class TreeRemover {
 public:
  explicit TreeRemover(int top) : top_(top) {}

  Status remove_all() {
    for (;;) {
      bool any = false;
      TSRUN_TRY(each_entry(top_, [this, &any](const DirectoryEntry& entry) {
        any = true;
        if (sys::call<SYS_unlinkat>(top_, entry.name, 0).ok()) return kOk;
        return remove_folder(entry.name);
      }));
      if (!any) return kOk;
    }
  }

 private:
  template <typename Visit>
  static Status each_entry(int folder, Visit visit) {
    alignas(8) char buffer[8192];
    (void)sys::call<SYS_lseek>(folder, 0L, SEEK_SET);
    for (;;) {
      sys::Outcome read = sys::call<SYS_getdents64>(folder, buffer, sizeof buffer);
      if (!read.ok() || read.value == 0) return read.status();
      for (long at = 0; at < read.value;) {
        auto* entry = reinterpret_cast<DirectoryEntry*>(buffer + at);
        at += entry->size;
        if (!is_dots(entry->name)) TSRUN_TRY(visit(*entry));
      }
    }
  }

  Status remove_folder(const char* name) {
    UniqueFd folder;
    TSRUN_TRY(take(sys::call<SYS_openat>(top_, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), &folder));
    int inner = folder.get();
    TSRUN_TRY(each_entry(inner, [this, inner](const DirectoryEntry& entry) {
      if (sys::call<SYS_unlinkat>(inner, entry.name, 0).ok()) return kOk;
      return move_up(inner, entry.name);
    }));
    Status removed = sys::call<SYS_unlinkat>(top_, name, AT_REMOVEDIR).status();
    // What was moved while it was read may have hidden an entry: the next turn finds it.
    return removed.error == ENOTEMPTY ? kOk : removed;
  }

  Status move_up(int folder, const char* name) {
    for (;;) {
      Decimal fresh(++moved_);
      Status status = sys::call<SYS_renameat2>(folder, name, top_, fresh.text(), RENAME_NOREPLACE).status();
      if (status.error != EEXIST) return status;
    }
  }

  int top_;
  uint64_t moved_ = 0;
};

Status remove_from(int parent, const char* name) {
  UniqueFd top;
  TSRUN_TRY(take(sys::call<SYS_openat>(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), &top));
  TSRUN_TRY(TreeRemover(top.get()).remove_all());
  return sys::call<SYS_unlinkat>(parent, name, AT_REMOVEDIR).status();
}

inline constexpr int kKept = 3;

// Nothing of the launcher's may be held open here: its end is told by its descriptors.
void keep_alone(int fd) {
  if (fd != kKept && !sys::call<SYS_dup3>(fd, kKept, O_CLOEXEC).ok()) sys::end_process(1);
  (void)sys::call<SYS_close_range>(kKept + 1, ~0U, 0);
}

[[noreturn]] void remove_alone(int parent, const char* name, uint32_t project) {
  constexpr int kParent = kKept;
  keep_alone(parent);
  // The descriptor of the parent is for names alone (O_PATH).
  Status removed = remove_from(kParent, name);
  UniqueFd file;
  if (project != 0 && take(sys::call<SYS_openat>(kParent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), &file).ok()) forget_project(file.get(), project);
  sys::end_process(removed.ok() ? 0 : 1);
}

}  // namespace

Status limit_project(int folder, uint32_t project, uint64_t bytes) {
  fs_quota_stat state{};
  state.qs_version = FS_QSTAT_VERSION;
  Status known = project_quota(folder, Q_XGETQSTAT, 0, &state);
  // Counted, but not held: ext4 with the feature, mounted without prjquota.
  if (!known.ok() || (state.qs_flags & FS_QUOTA_PDQ_ENFD) == 0) return Status{SYS_quotactl_fd, ESRCH};
  if_dqblk quota{};
  Status found = project_quota(folder, Q_GETQUOTA, project, &quota);
  if (found.ok() && (quota.dqb_curspace != 0 || quota.dqb_bhardlimit != 0)) return Status{SYS_quotactl_fd, EEXIST};
  quota = if_dqblk{};
  quota.dqb_bhardlimit = (bytes + kQuotaBlock - 1) / kQuotaBlock;
  quota.dqb_bsoftlimit = quota.dqb_bhardlimit;
  quota.dqb_valid = QIF_BLIMITS;
  TSRUN_TRY(project_quota(folder, Q_SETQUOTA, project, &quota));
  fsxattr attributes{};
  TSRUN_TRY(sys::call<SYS_ioctl>(folder, FS_IOC_FSGETXATTR, &attributes).status());
  attributes.fsx_projid = project;
  attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
  return sys::call<SYS_ioctl>(folder, FS_IOC_FSSETXATTR, &attributes).status();
}

void remove_upper(Container& container) {
  const MadeFolder& upper = container.upper;
  int pid_fd = -1;
  sys::Outcome child = clone_process(0, -1, &pid_fd);
  if (child.ok() && child.value == 0) remove_alone(upper.parent_fd, upper.name, container.upper_project);
  // What is not removed here is found by `gc`.
  if (child.ok()) reap_in_time(container.launcher->loop, UniqueFd(pid_fd));
  container.upper = MadeFolder{};
}

void let_go_of_memory(Container& container) {
  struct statfs state;
  int upper = container.kept_upper.get();
  int mounts = container.kept_mounts.get();
  bool much = upper >= 0 && sys::call<SYS_fstatfs>(upper, &state).ok() &&
              (state.f_blocks - state.f_bfree) * static_cast<uint64_t>(state.f_bsize) > kLittle;
  int pid_fd = -1;
  sys::Outcome child = much ? clone_process(0, -1, &pid_fd) : sys::Outcome{-ENOSYS, SYS_clone3};
  if (child.ok() && child.value == 0) {
    // The upper layer is one of the mounts.
    keep_alone(mounts >= 0 ? mounts : upper);
    sys::end_process(0);
  }
  container.kept_upper.reset();
  container.kept_mounts.reset();
  if (child.ok()) reap_in_time(container.launcher->loop, UniqueFd(pid_fd));
}

}  // namespace tsrun
