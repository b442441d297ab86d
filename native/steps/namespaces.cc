// Namespaces: joining them, and what belongs to new ones (names, parameters, loopback).
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "steps/child_steps.h"

namespace tsrun {

Status run(ChildContext& context, const StepJoinNamespaces& step) {
  return sys::call<SYS_setns>(context.slots.get(step.descriptor), step.kinds).status();
}

// Through the launcher's own procfs: a mount of the image over /proc/sys cannot redirect the write (CVE-2025-52881). The
// namespaces are the writer's, so the values land in the container's.
Status run(ChildContext& context, const StepWriteSysctl& step) {
  return write_file_at(context.proc, step.file.data, step.value.data, step.value.size);
}

Status run(ChildContext&, const StepSetHostname& step) {
  return sys::call<SYS_sethostname>(step.name.data, step.name.size).status();
}

Status run(ChildContext&, const StepSetDomainname& step) {
  return sys::call<SYS_setdomainname>(step.name.data, step.name.size).status();
}

Status run(ChildContext&, const StepRaiseLoopback&) {
  UniqueFd socket;
  TSRUN_TRY(take(sys::call<SYS_socket>(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), &socket));
  ifreq request{};
  memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return sys::call<SYS_ioctl>(socket.get(), SIOCSIFFLAGS, &request).status();
}

}  // namespace tsrun
