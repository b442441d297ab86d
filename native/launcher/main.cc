// The launcher: one small single-threaded process that makes, watches and ends all containers of a runtime.
// It is started from a sealed memfd with nothing but: 0-2 /dev/null, 3 the request socket of its first client,
// 4 the sealed reaper for `--init`.
#include <linux/close_range.h>
#include <linux/nsfs.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "launcher/requests.h"
#include "sys/file_system.h"
#include "sys/process.h"

namespace tsrun {
namespace {

inline constexpr int kFirstClient = 3;
inline constexpr int kReaper = 4;

// The client waits for the process that it started; the launcher proper is that one's child, so that nobody in the
// embedding program ever has to reap it.
void detach_from_parent() {
  if (sys::raw(SYS_clone, SIGCHLD, 0, 0, 0, 0) != 0) sys::raw(SYS_exit_group, 0);
  (void)sys::call<SYS_setsid>();
}

Status protect_itself() {
  TSRUN_TRY(sys::call<SYS_close_range>(kReaper + 1, ~0U, 0).status());
  TSRUN_TRY(sys::call<SYS_close_range>(kFirstClient, kReaper, CLOSE_RANGE_CLOEXEC).status());
  // Nobody may trace it, read its memory or reopen its files, and its children inherit that until their execve.
  return set_dumpable(false);
}

struct Orders {
  bool rootless = false;
  bool attached = false;
  bool inside = false;
  int beside = 0;
};

Orders read_orders(int count, char** words) {
  static constexpr char kBeside[] = "beside=";
  Orders orders;
  for (int index = 1; index < count; ++index) {
    const char* word = words[index];
    orders.rootless = orders.rootless || strcmp(word, "rootless") == 0;
    orders.attached = orders.attached || strcmp(word, "attached") == 0;
    orders.inside = orders.inside || strcmp(word, "inside") == 0;
    if (strncmp(word, kBeside, sizeof kBeside - 1) != 0) continue;
    for (word += sizeof kBeside - 1; *word >= '0' && *word <= '9'; ++word) orders.beside = orders.beside * 10 + (*word - '0');
  }
  return orders;
}

int serve(const Orders& orders) {
  static Launcher launcher;
  launcher.rootless = orders.rootless;
  launcher.beside = orders.beside;
  launcher.inside = orders.inside;
  if (!protect_itself().ok() || !launcher.open().ok()) return 1;
  launcher.reaper.reset(kReaper);
  if (!add_client(launcher, UniqueFd(kFirstClient)).ok()) return 1;
  while (!launcher.idle()) {
    bool rested = launcher.listener_rests;
    if (!launcher.loop.turn().ok()) return 1;
    if (rested) listen_again(launcher);
    drop_lost_clients(launcher);
  }
  if (launcher.listener.valid() && launcher.home.enter_source().ok()) {
    (void)sys::call<SYS_unlinkat>(AT_FDCWD, launcher.listener_path, 0);
  }
  return 0;
}

// Who was started by posix_spawn has the C library's own two signals ignored, and what is ignored stays so in every
// process that comes after: containers would see it in SigIgn.
void reset_signals() {
  constexpr int kLastSignal = 64;
  const uint64_t default_action[4] = {};  // the kernel's struct sigaction: handler, flags, restorer, mask
  for (int number = 1; number <= kLastSignal; ++number) {
    (void)sys::call<SYS_rt_sigaction>(number, default_action, 0, sizeof(uint64_t));
  }
  (void)signal(SIGPIPE, SIG_IGN);
  // Who ends a service or a terminal's group means its program, which ends its containers in order; the launcher follows.
  // What is blocked is unblocked in the child by the plan's resetSignals.
  constexpr uint64_t kBlocked = 1ULL << (SIGTERM - 1) | 1ULL << (SIGINT - 1) | 1ULL << (SIGHUP - 1);
  (void)sys::call<SYS_rt_sigprocmask>(SIG_SETMASK, &kBlocked, 0, sizeof kBlocked);
}

// Whoever started it may be bound to some processors (taskset(1)), and containers would be for no reason of theirs. The
// kernel leaves out what is not in the cpuset (sched_setaffinity(2)).
void unbind_from_processors() {
  constexpr size_t kMostProcessors = 8192;  // of any kernel that is configured so far
  uint8_t all[kMostProcessors / 8];
  memset(all, 0xff, sizeof all);
  (void)sys::call<SYS_sched_setaffinity>(0, sizeof all, all);
}

// The standard streams of containers that are given none. Through the host's /dev/null its mode could be changed by who is
// the host's root in a container; this one is on a mount that takes no change. In a user namespace none can be made, but
// there nobody is the owner of the host's either.
Status take_own_null() {
  UniqueFd mount;
  UniqueFd null;
  TSRUN_TRY(make_file_system("tmpfs", "tmpfs", Texts{}, 0, &mount));
  // By the name under which people look for it in /proc/self/fd.
  TSRUN_TRY(sys::call<SYS_mkdirat>(mount.get(), "dev", 0755).status());
  TSRUN_TRY(sys::call<SYS_mknodat>(mount.get(), "dev/null", S_IFCHR | 0666, makedev(1, 3)).status());
  TSRUN_TRY(take(sys::call<SYS_openat>(mount.get(), "dev/null", O_RDWR | O_CLOEXEC), &null));
  TSRUN_TRY(set_mount(mount.get(), MountAttributes{MOUNT_ATTR_RDONLY, 0, 0, 0}, false));
  for (int place = 0; place < 3; ++place) TSRUN_TRY(sys::call<SYS_dup3>(null.get(), place, 0).status());
  return kOk;
}

// What protects an agent from the kernel's choice of whom to kill is not for its containers, which inherit it, nor for
// what is executed in them (raising needs no right, proc_pid_oom_score_adj(5)).
void give_up_oom_protection() {
  char score[8] = "";
  UniqueFd file;
  if (!take(sys::call<SYS_openat>(AT_FDCWD, "/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC), &file).ok()) return;
  if (!sys::call<SYS_read>(file.get(), score, sizeof score - 1).ok() || score[0] != '-') return;
  (void)sys::call<SYS_write>(file.get(), "0", 1);
}

// The owner of a user namespace has all rights over it from outside, and over those that were made in it (user_namespaces(7)).
Status join_parent_of(int pid) {
  UniqueFd own;
  UniqueFd parent;
  TSRUN_TRY(take(sys::call<SYS_openat>(AT_FDCWD, ProcPath(pid, "ns/user").path(), O_RDONLY | O_CLOEXEC), &own));
  TSRUN_TRY(take(sys::call<SYS_ioctl>(own.get(), NS_GET_PARENT, 0L), &parent));
  return sys::call<SYS_setns>(parent.get(), CLONE_NEWUSER).status();
}

}  // namespace

Status Launcher::open() {
  reset_signals();
  give_up_oom_protection();
  unbind_from_processors();
  // It was started as /proc/self/fd/N, which is what `ps` would show.
  (void)sys::call<SYS_prctl>(PR_SET_NAME, "tsrun-launcher", 0, 0, 0);
  (void)sys::call<SYS_umask>(0);
  keep_spare_descriptor();
  TSRUN_TRY(loop.open());
  TSRUN_TRY(take(sys::call<SYS_pidfd_open>(sys::raw(SYS_getpid), 0), &self));
  if (!rootless) {
    TSRUN_TRY(take_own_null());
    TSRUN_TRY(home.prune(false));
    return own.open();
  }
  if (inside || beside > 0) {
    if (!inside) TSRUN_TRY(join_parent_of(beside));
    settled = true;
    return settle();
  }
  // newuidmap writes only for processes of its caller, and who is not dumpable counts as root's.
  TSRUN_TRY(set_dumpable(true));
  return sys::call<SYS_unshare>(CLONE_NEWUSER).status();
}

Status Launcher::settle() {
  TSRUN_TRY(sys::call<SYS_setresgid>(0, 0, 0).status());
  TSRUN_TRY(sys::call<SYS_setresuid>(0, 0, 0).status());
  TSRUN_TRY(set_dumpable(false));
  TSRUN_TRY(home.prune(true));
  return own.open();
}

}  // namespace tsrun

// `rootless`: an ordinary user's. `attached`: its parent waits for it, and what it leaves is that one's. `inside`, `beside=PID`: see Launcher.
int main(int count, char** words) {
  tsrun::Orders orders = tsrun::read_orders(count, words);
  if (!orders.attached) tsrun::detach_from_parent();
  return tsrun::serve(orders);
}
