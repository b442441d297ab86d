// A process's way into a container whose first process may trace whatever it sees (CAP_SYS_PTRACE without a user namespace).
//
// This program is executed outside the container's pid namespace, when everything but the program's execve is done: it has the
// program's rights, descriptors and filter, and of the launcher's memory nothing. Its child is born inside, a child of the
// launcher's (CLONE_PARENT), and executes the program. What is to be had of that child before is what is to be had of the
// program: its arguments and environment.
//
// Arguments: descriptors of the report channel, of the file where the child's pid is noted, of the launcher's procfs; whether
// standard input is to be the controlling terminal; a file below the procfs and what to write to it, or nothing; how many
// paths follow, the paths to try, the program's own arguments.
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "init/words.h"

namespace tsrun {
namespace {

constexpr unsigned kOwnWords = 8;
constexpr size_t kPage = 4096;

struct Entrance {
  unsigned channel;
  unsigned births;
  unsigned proc;
  bool terminal;
  const char* attribute;
  const char* value;
  unsigned paths;
  char** words;
  char** environment;
};

size_t length(const char* text) {
  size_t size = 0;
  while (text[size] != 0) ++size;
  return size;
}

// Here, where the launcher's procfs shows this process; a fork keeps it (apparmor_task_alloc() and selinux_cred_prepare() of the
// kernel).
Status set_attribute(const Entrance& entrance) {
  if (*entrance.attribute == 0) return kOk;
  sys::Outcome file = sys::call<SYS_openat>(entrance.proc, entrance.attribute, O_WRONLY | O_CLOEXEC);
  if (!file.ok()) return file.status();
  Status written = sys::call<SYS_write>(file.fd(), entrance.value, length(entrance.value)).status();
  (void)sys::call<SYS_close>(file.fd());
  return written;
}

// What the child would have a share in must not be its to write.
Status map_births(unsigned file, int** births) {
  sys::Outcome mapped = sys::call<SYS_mmap>(0L, kPage, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0L);
  if (!mapped.ok()) return mapped.status();
  *births = static_cast<int*>(mapped.pointer());
  return sys::call<SYS_madvise>(*births, kPage, MADV_DONTFORK).status();
}

Status prepare(const Entrance& entrance, int** births) {
  // Set back by execve.
  TSRUN_TRY(sys::call<SYS_prctl>(PR_SET_DUMPABLE, 0, 0, 0, 0).status());
  TSRUN_TRY(sys::call<SYS_fcntl>(entrance.channel, F_SETFD, FD_CLOEXEC).status());
  TSRUN_TRY(set_attribute(entrance));
  TSRUN_TRY(map_births(entrance.births, births));
  TSRUN_TRY(sys::call<SYS_close>(entrance.births).status());
  return sys::call<SYS_close>(entrance.proc).status();
}

[[noreturn]] void fail(unsigned channel, Status failure) {
  if (!tell(channel, ChannelWord::kNoProgram, 0, failure)) __builtin_trap();
  sys::end_process(127);
}

[[noreturn]] void be_program(const Entrance& entrance) {
  sys::Outcome session = sys::call<SYS_setsid>();
  if (!session.ok()) fail(entrance.channel, session.status());
  if (entrance.terminal) {
    Status controlled = sys::call<SYS_ioctl>(0, TIOCSCTTY, 0).status();
    if (!controlled.ok()) fail(entrance.channel, controlled);
  }
  execute_first(entrance.channel, entrance.paths, entrance.words, entrance.environment);
}

}  // namespace

void enter(unsigned count, char** words, char** environment) {
  if (count <= kOwnWords) sys::end_process(125);
  Entrance entrance{parse(words[1]), parse(words[2]), parse(words[3]),   *words[4] == '1', words[5],
                    words[6],        parse(words[7]), words + kOwnWords, environment};
  if (entrance.paths + kOwnWords >= count) sys::end_process(125);
  int* births = nullptr;
  Status prepared = prepare(entrance, &births);
  if (!prepared.ok()) fail(entrance.channel, prepared);
  // Not clone3(2), which filters of engines answer with ENOSYS.
  long child = sys::raw(SYS_clone, CLONE_PARENT | CLONE_PARENT_SETTID, 0, reinterpret_cast<long>(births), 0, 0);
  if (child == 0) be_program(entrance);
  if (child < 0) fail(entrance.channel, Status{SYS_clone, static_cast<int32_t>(-child)});
  sys::end_process(0);
}

}  // namespace tsrun
