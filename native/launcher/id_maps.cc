#include "launcher/id_maps.h"

#include <sys/prctl.h>

#include "launcher/helpers.h"
#include "sys/process.h"

namespace tsrun {
namespace {

// Its end is the launcher's to bring about; if that dies first, the kernel's.
[[noreturn]] void await_end(long launcher) {
  (void)sys::call<SYS_prctl>(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  while (sys::raw(SYS_getppid) == launcher) (void)sys::raw(SYS_ppoll, 0, 0, 0, 0);
  for (;;) (void)sys::raw(SYS_exit_group, 0);
}

// The namespace needs a process only until its descriptor is open.
Status make(Loop& loop, Text uid_map, Text gid_map, UniqueFd* into) {
  int pid_fd = -1;
  long launcher = sys::raw(SYS_getpid);
  sys::Outcome pid = clone_process(CLONE_NEWUSER, -1, &pid_fd);
  if (!pid.ok()) return pid.status();
  if (pid.value == 0) await_end(launcher);
  UniqueFd process(pid_fd);
  int child = pid.fd();
  Status status = write_proc(child, "uid_map", uid_map.data, uid_map.size);
  if (status.ok()) status = write_proc(child, "gid_map", gid_map.data, gid_map.size);
  if (status.ok()) {
    status = take(sys::call<SYS_openat>(AT_FDCWD, ProcPath(child, "ns/user").path(), O_RDONLY | O_CLOEXEC), into);
  }
  (void)send_signal(process.get(), SIGKILL);
  reap_in_time(loop, static_cast<UniqueFd&&>(process));
  return status;
}

Status duplicate(int fd, UniqueFd* into) { return take(sys::call<SYS_fcntl>(fd, F_DUPFD_CLOEXEC, 3), into); }

}  // namespace

Status IdMaps::open(Text uid_map, Text gid_map, UniqueFd* into) {
  for (Entry& entry : entries_) {
    if (entry.fd.valid() && strcmp(entry.uid_map, uid_map.data) == 0 && strcmp(entry.gid_map, gid_map.data) == 0) {
      return duplicate(entry.fd.get(), into);
    }
  }
  UniqueFd made;
  TSRUN_TRY(make(loop_, uid_map, gid_map, &made));
  if (uid_map.size >= sizeof Entry::uid_map || gid_map.size >= sizeof Entry::gid_map) {
    *into = static_cast<UniqueFd&&>(made);  // an unusual map; not worth keeping
    return kOk;
  }
  Entry& entry = entries_[next_];
  next_ = (next_ + 1) % kCapacity;
  memcpy(entry.uid_map, uid_map.data, uid_map.size + size_t{1});
  memcpy(entry.gid_map, gid_map.data, gid_map.size + size_t{1});
  entry.fd = static_cast<UniqueFd&&>(made);
  return duplicate(entry.fd.get(), into);
}

}  // namespace tsrun
