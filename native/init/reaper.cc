// The reaper of `--init`: pid 1 of a container that starts the program, hands signals on to it and reaps orphans.
// Freestanding, without the C library: it lives as long as the container, so it should be a few pages.
//
// It keeps its end of the launcher's channel, close-on-exec, to say that the program runs and how it ended.
//
// Arguments: the channel's descriptor, how many paths follow, the paths to try, the program's own arguments.
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>

#include "init/words.h"

namespace tsrun {
namespace {

inline constexpr int kNoHang = 1;
inline constexpr int kUntraced = 2;

[[noreturn]] void be_program(long reaper, unsigned channel, unsigned paths, char** words, char** environment) {
  uint64_t none = 0;
  // In a pid namespace that is not the container's own it would outlive the reaper, which dies with the launcher.
  (void)sys::raw(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // A filter may forbid to ask.
  long parent = sys::raw(SYS_getppid);
  if (reaper > 0 && parent >= 0 && parent != reaper) sys::end_process(125);
  // In its own, foreground process group, so that Ctrl-C at a terminal reaches the program and not the reaper.
  (void)sys::raw(SYS_setpgid, 0, 0);
  int group = static_cast<int>(sys::raw(SYS_getpid));
  (void)sys::raw(SYS_ioctl, 0, TIOCSPGRP, reinterpret_cast<long>(&group));
  (void)sys::raw(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&none), 0, sizeof none);
  execute_first(channel, paths, words, environment);
}

int code_of(int status) {
  int signal = status & 0x7f;
  return signal == 0 ? (status >> 8) & 0xff : 128 + signal;
}

bool is_stopped(int status) { return (status & 0xff) == 0x7f; }

// Pid 1 of its container; in a pid namespace that is not the container's own kill(2) would reach all that live there.
inline constexpr long kInit = 1;
inline constexpr long kAllOthers = -1;

class Watch {
 public:
  Watch(long self, long program) : program_(program), is_init_(self == kInit) {}

  // Reaps whatever has ended; true once nothing is left to wait for.
  bool reap() {
    for (;;) {
      int status = 0;
      sys::Outcome reaped = sys::call<SYS_wait4>(-1, &status, options_, 0);
      if (!reaped.ok() && reaped.error() == ECHILD && program_ == 0) return true;
      // The program is there to be waited for, so that only a seccomp filter can forbid it.
      if (!reaped.ok()) sys::end_process(125);
      if (reaped.value == 0) return false;
      if (reaped.value != program_) continue;
      if (is_stopped(status)) {
        // By ctrl-z, and there is no shell that could let it go on: a session leader would not have been stopped either.
        if ((status >> 8 & 0xff) == SIGTSTP) (void)sys::raw(SYS_kill, -program_, SIGCONT);
        continue;
      }
      status_ = status;
      program_ = 0;
      if (!waits_for_all_) return true;
      if (for_the_others_ != 0) (void)sys::raw(SYS_kill, kAllOthers, for_the_others_);
    }
  }

  void wait_for_signal() {
    uint64_t all = ~uint64_t{0};
    siginfo_t info;
    sys::Outcome signal = sys::call<SYS_rt_sigtimedwait>(&all, &info, 0, sizeof all);
    // A filter that forbids waiting for signals leaves waiting for processes.
    if (!signal.ok())
      options_ = kUntraced;
    else if (signal.value != SIGCHLD)
      deliver(signal.value, info.si_code == SI_QUEUE ? static_cast<Delivery>(info.si_value.sival_int) : Delivery::kProgram);
  }

  int status() const { return status_; }

 private:
  void deliver(long signal, Delivery delivery) {
    bool everybody = is_init_ && delivery == Delivery::kEverybody;
    bool in_turn = is_init_ && delivery == Delivery::kInTurn;
    waits_for_all_ = waits_for_all_ || everybody || in_turn;
    for_the_others_ = in_turn ? signal : 0;
    // The number of a program that has ended may be another's.
    (void)sys::raw(SYS_kill, everybody || program_ == 0 ? kAllOthers : program_, signal);
  }

  long program_;  // 0: it has ended
  bool is_init_;
  int status_ = 0;
  int options_ = kNoHang | kUntraced;
  bool waits_for_all_ = false;
  long for_the_others_ = 0;
};

[[noreturn]] void watch_over(long self, long program, unsigned channel) {
  Watch watch(self, program);
  while (!watch.reap()) watch.wait_for_signal();
  (void)tell(channel, ChannelWord::kEnded, static_cast<uint32_t>(watch.status()), kOk);
  sys::end_process(code_of(watch.status()));
}

// `ps` shows what stands here, and these words are nothing that a person wants to read.
void hide_arguments(char** words, unsigned count) {
  char* end = words[count - 1];
  while (*end != 0) ++end;
  for (char* at = words[1]; at < end; ++at) *at = 0;
}

[[noreturn]] void start(long* stack) {
  auto count = static_cast<unsigned>(stack[0]);
  auto** words = reinterpret_cast<char**>(stack + 1);
  char** environment = words + count + 1;
  if (count < 5) sys::end_process(125);
  constexpr int kOfName = 6;  // behind "tsrun-"
  if (words[0][kOfName] == 'e') enter(count, words, environment);
  unsigned channel = parse(words[1]);
  unsigned paths = parse(words[2]);
  if (paths + 4 > count) sys::end_process(125);
  // Blocked before the program exists, so that none is lost between fork and wait.
  uint64_t all = ~uint64_t{0};
  (void)sys::raw(SYS_rt_sigprocmask, SIG_SETMASK, reinterpret_cast<long>(&all), 0, sizeof all);
  // From here on only the program's own execve decides what the launcher hears.
  (void)sys::raw(SYS_fcntl, static_cast<long>(channel), F_SETFD, FD_CLOEXEC);
  (void)sys::raw(SYS_prctl, PR_SET_NAME, reinterpret_cast<long>(words[0]));
  long self = sys::raw(SYS_getpid);
  // As with vfork(2), it comes back when the program was executed or could not be; the memory is not shared.
  long program = sys::raw(SYS_clone, CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
  if (program == 0) be_program(self, channel, paths, words + 3, environment);
  if (program < 0) sys::end_process(125);
  // Where a filter forbids the word, the end of the channel says as much.
  if (!tell(channel, ChannelWord::kRuns, 0, kOk)) (void)sys::raw(SYS_close, static_cast<long>(channel));
  hide_arguments(words, count);
  watch_over(self, program, channel);
}

}  // namespace
}  // namespace tsrun

extern "C" [[noreturn]] void tsrun_reaper_start(long* stack) { tsrun::start(stack); }

#if defined(__x86_64__)
__asm__(".globl _start\n_start:\n  xor %ebp, %ebp\n  mov %rsp, %rdi\n  and $-16, %rsp\n  call tsrun_reaper_start\n");
#else
__asm__(".globl _start\n_start:\n  mov x29, #0\n  mov x0, sp\n  bl tsrun_reaper_start\n");
#endif
