// Who the process is and what it may never do again. The order is the plan's: bounding set, ids, capabilities, then
// what cannot be undone.
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>

#include "launcher/channel.h"
#include "steps/child_steps.h"
#include "sys/process.h"

namespace tsrun {
namespace {

// landlock_ruleset_attr of ABI 6 (Linux 6.12), newer than Debian 12's header.
struct LandlockRules {
  uint64_t file_access;
  uint64_t net_access;
  uint64_t scoped;
};

Status prctl(int option, unsigned long a = 0, unsigned long b = 0) {
  return sys::call<SYS_prctl>(option, a, b, 0UL, 0UL).status();
}

uint32_t low(uint64_t set) { return static_cast<uint32_t>(set); }
uint32_t high(uint64_t set) { return static_cast<uint32_t>(set >> 32); }

}  // namespace

Status run(ChildContext&, const StepSetIds& step) {
  if (step.set_groups) {
    // As the plan has them: little-endian words, which the kernel reads wherever they lie (groups_from_user).
    TSRUN_TRY(sys::call<SYS_setgroups>(step.groups.count, step.groups.at).status());
  }
  TSRUN_TRY(sys::call<SYS_setresgid>(step.gid, step.gid, step.gid).status());
  return sys::call<SYS_setresuid>(step.uid, step.uid, step.uid).status();
}

// Only a process itself may write here, and only through the real procfs: over that of the container, the image could have
// laid a file that swallows the write (CVE-2019-16884).
//
// Who enters last executes a program of the launcher's before: that would have the profile, and use it up.
namespace {

Status set_attribute(ChildContext& context, const char* file, Text value) {
  if (!context.entry.last) return write_file_at(context.proc, file, value.data, value.size);
  context.entry.attribute = file;
  context.entry.value = value.data;
  return kOk;
}

}  // namespace

Status run(ChildContext& context, const StepSetAppArmor& step) {
  return set_attribute(context, "thread-self/attr/apparmor/exec", step.value);
}

Status run(ChildContext& context, const StepSetLabel& step) { return set_attribute(context, "thread-self/attr/exec", step.value); }

Status run(ChildContext&, const StepDropBounding& step) {
  for (uint32_t capability = 0; capability <= step.last; ++capability) {
    if ((step.keep >> capability & 1) == 0) TSRUN_TRY(prctl(PR_CAPBSET_DROP, capability));
  }
  return kOk;
}

Status run(ChildContext&, const StepKeepCapabilities&) { return prctl(PR_SET_KEEPCAPS, 1); }

Status run(ChildContext&, const StepSetCapabilities& step) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {
      {low(step.effective), low(step.permitted), low(step.inheritable)},
      {high(step.effective), high(step.permitted), high(step.inheritable)},
  };
  TSRUN_TRY(sys::call<SYS_capset>(&header, data).status());
  TSRUN_TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL));
  for (unsigned capability = 0; capability < 64; ++capability) {
    if ((step.ambient >> capability & 1) == 1) TSRUN_TRY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability));
  }
  return kOk;
}

// The launcher may have died before the prctl. In a new pid namespace getppid() is 0 always, and of the launcher's end of the
// channel every process that is being born beside this one has a copy: so its pidfd is asked (pidfd_open(2)).
Status run(ChildContext& context, const StepDieWithLauncher&) {
  TSRUN_TRY(prctl(PR_SET_PDEATHSIG, SIGKILL));
  // A parent lets go of its children and becomes a zombie under one lock of the kernel, which waiting takes as well: whoever
  // was let go before the prctl finds a zombie after this.
  (void)sys::call<SYS_wait4>(-1, 0, kNoHang, 0);
  pollfd poll{context.launcher, POLLIN, 0};
  timespec now{};
  TSRUN_TRY(sys::call<SYS_ppoll>(&poll, 1, &now, 0, 0).status());
  return poll.revents != 0 ? Status{SYS_prctl, ECHILD} : kOk;
}

Status run(ChildContext&, const StepNoNewPrivileges&) { return prctl(PR_SET_NO_NEW_PRIVS, 1); }

Status run(ChildContext&, const StepRestrictScopes& step) {
  LandlockRules rules{0, 0, step.scopes};
  UniqueFd ruleset;
  TSRUN_TRY(take(sys::call<SYS_landlock_create_ruleset>(&rules, sizeof rules, 0), &ruleset));
  return sys::call<SYS_landlock_restrict_self>(ruleset.get(), 0).status();
}

Status run(ChildContext& context, const StepLoadSeccomp& step) {
  // The kernel says the same of more than BPF_MAXINSNS; but its length field would cut the number to 16 bits.
  bool fits = step.filter.size % sizeof(sock_filter) == 0 && step.filter.size / sizeof(sock_filter) <= BPF_MAXINSNS;
  if (!fits) return Status{SYS_seccomp, EINVAL};
  sock_fprog program{};
  program.len = static_cast<unsigned short>(step.filter.size / sizeof(sock_filter));
  program.filter = reinterpret_cast<sock_filter*>(const_cast<uint8_t*>(step.filter.data));
  sys::Outcome loaded = sys::call<SYS_seccomp>(SECCOMP_SET_MODE_FILTER, step.flags, &program);
  if (!loaded.ok() || !step.listens) return loaded.status();
  // The plan has seen to it that nobody has to answer for this.
  UniqueFd listener(loaded.fd());
  return send_word_with(context.channel, ChannelMessage{ChannelWord::kReached, context.step, kOk}, listener.get());
}

}  // namespace tsrun
