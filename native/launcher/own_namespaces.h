// The launcher's own namespaces, to come back to after a step into another's.
#ifndef TSRUN_LAUNCHER_OWN_NAMESPACES_H_
#define TSRUN_LAUNCHER_OWN_NAMESPACES_H_

#include "sys/fd.h"
#include "sys/kernel.h"

namespace tsrun {

class OwnNamespaces {
 public:
  Status open() {
    for (Entry& entry : entries_) TSRUN_TRY(take(sys::call<SYS_openat>(AT_FDCWD, entry.path, O_RDONLY | O_CLOEXEC), &entry.fd));
    return kOk;
  }

  // Back into every namespace of these kinds (CLONE_NEW*).
  void return_to(uint64_t kinds) const {
    for (const Entry& entry : entries_) {
      if ((kinds & entry.kind) != 0) (void)sys::call<SYS_setns>(entry.fd.get(), entry.kind);
    }
  }

 private:
  struct Entry {
    const char* path;
    uint64_t kind;
    UniqueFd fd;
  };

  Entry entries_[6] = {
      {"/proc/self/ns/pid", CLONE_NEWPID, UniqueFd()},   {"/proc/self/ns/net", CLONE_NEWNET, UniqueFd()},
      {"/proc/self/ns/time", CLONE_NEWTIME, UniqueFd()}, {"/proc/self/ns/ipc", CLONE_NEWIPC, UniqueFd()},
      {"/proc/self/ns/uts", CLONE_NEWUTS, UniqueFd()},   {"/proc/self/ns/cgroup", CLONE_NEWCGROUP, UniqueFd()},
  };
};

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_OWN_NAMESPACES_H_
