// The launcher's own namespaces, to come back to after a step into another's.
#ifndef TSRUN_LAUNCHER_OWN_NAMESPACES_H_
#define TSRUN_LAUNCHER_OWN_NAMESPACES_H_

#include "sys/fd.h"
#include "sys/kernel.h"

namespace tsrun {

class OwnNamespaces {
 public:
  Status open() {
    for (Entry& entry : entries_) {
      Status opened = take(sys::call<SYS_openat>(AT_FDCWD, entry.path, O_RDONLY | O_CLOEXEC), &entry.fd);
      // A kernel without such namespaces (CONFIG_TIME_NS is none of the older distributions') has nothing to come back from.
      if (!opened.ok() && opened.error != ENOENT) return opened;
    }
    return kOk;
  }

  // Back into every namespace of these kinds (CLONE_NEW*). With one foot in a container's namespaces the launcher would make
  // the next container there: it ends rather, and the kernel kills what it holds.
  void return_to(uint64_t kinds) const {
    for (const Entry& entry : entries_) {
      if ((kinds & entry.kind) == 0) continue;
      if (!sys::call<SYS_setns>(entry.fd.get(), entry.kind).ok()) sys::end_process(1);
    }
  }

 private:
  struct Entry {
    const char* path;
    uint64_t kind;
    UniqueFd fd;
  };

  Entry entries_[7] = {
      {"/proc/self/ns/pid", CLONE_NEWPID, UniqueFd()},   {"/proc/self/ns/net", CLONE_NEWNET, UniqueFd()},
      {"/proc/self/ns/time", CLONE_NEWTIME, UniqueFd()}, {"/proc/self/ns/ipc", CLONE_NEWIPC, UniqueFd()},
      {"/proc/self/ns/uts", CLONE_NEWUTS, UniqueFd()},   {"/proc/self/ns/cgroup", CLONE_NEWCGROUP, UniqueFd()},
      {"/proc/self/ns/mnt", CLONE_NEWNS, UniqueFd()},
  };
};

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_OWN_NAMESPACES_H_
