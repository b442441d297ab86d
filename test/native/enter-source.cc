// Goes home, is forbidden chroot(2), and fails to enter the source. 0: it is at home then.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "launcher/home.h"

namespace {

bool forbid_chroot() {
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_chroot, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{sizeof filter / sizeof *filter, filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

bool is_at_home() { return access(tsrun::kMaskFile, F_OK) == 0; }

}  // namespace

int main() {
  tsrun::Home home;
  if (!home.prune(false).ok() || !is_at_home()) return 2;
  if (!home.enter_source().ok() || is_at_home() || !home.return_home().ok() || !is_at_home()) return 3;
  if (!forbid_chroot()) return 4;
  return home.enter_source().error == EPERM && is_at_home() ? 0 : 1;
}
