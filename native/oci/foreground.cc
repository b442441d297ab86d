#include "oci/foreground.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "oci/script.h"

namespace tsrun::oci {
namespace {

// The caller's own terminal passes every byte as it is, until this goes.
class RawTerminal {
 public:
  RawTerminal() {
    if (tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios raw = before_;
    cfmakeraw(&raw);
    changed_ = tcsetattr(STDIN_FILENO, TCSANOW, &raw) == 0;
  }
  ~RawTerminal() {
    if (changed_) (void)tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  }
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

void copy_window_size(int terminal) {
  winsize size{};
  if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0) (void)ioctl(terminal, TIOCSWINSZ, &size);
}

// All but those that are this process's own business; -1 before they were taken.
int signals = -1;

// takeSignals(): from now on they wait until `watchForeground` passes them on.
JSValue TakeSignals(JSContext* context, JSValueConst, int, JSValueConst*) {
  sigset_t all;
  sigfillset(&all);
  for (int number : {SIGCHLD, SIGPIPE, SIGTTIN, SIGTTOU, SIGSEGV, SIGBUS, SIGFPE, SIGILL}) sigdelset(&all, number);
  (void)sigprocmask(SIG_BLOCK, &all, nullptr);
  signals = signalfd(signals, &all, SFD_CLOEXEC);
  return signals < 0 ? throw_failure(context, "signalfd", errno) : JS_UNDEFINED;
}

void pass_signal(int process, int terminal) {
  signalfd_siginfo info{};
  if (read(signals, &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return;
  if (terminal >= 0 && info.ssi_signo == SIGWINCH) return copy_window_size(terminal);
  (void)syscall(SYS_pidfd_send_signal, process, static_cast<int>(info.ssi_signo), nullptr, 0);
}

// False at the end: of a terminal that nobody has open any more, that is an error (EIO).
bool pass_bytes(int source, int destination) {
  char bytes[16384];
  ssize_t count = read(source, bytes, sizeof bytes);
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  for (ssize_t at = 0; at < count;) {
    ssize_t written = write(destination, bytes + at, static_cast<size_t>(count - at));
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) at += written;
  }
  return count > 0;
}

// watchForeground(events, process, terminal, notices): until there is something to be read of `events`; true where something of `notices` came before
// that. The last two are -1 without one.
JSValue WatchForeground(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  auto events = static_cast<int>(number_of(context, arguments[0]));
  auto process = static_cast<int>(number_of(context, arguments[1]));
  auto terminal = static_cast<int>(number_of(context, arguments[2]));
  auto notices = static_cast<int>(number_of(context, arguments[3]));
  RawTerminal* raw = terminal >= 0 ? new RawTerminal : nullptr;
  if (terminal >= 0) copy_window_size(terminal);
  pollfd awaited[] = {{events, POLLIN, 0}, {signals, POLLIN, 0}, {terminal, POLLIN, 0}, {terminal >= 0 ? STDIN_FILENO : -1, POLLIN, 0}, {notices, POLLIN, 0}};
  bool ended = false;
  bool noticed = false;
  while (!ended || awaited[2].fd >= 0) {
    // The last bytes of the terminal may come with the end.
    int ready = poll(awaited, 5, ended ? 0 : -1);
    if (ready < 0 && errno != EINTR) break;
    if (ready == 0) break;
    if (awaited[4].revents != 0 && !ended) {
      noticed = true;
      break;
    }
    if (awaited[1].revents != 0) pass_signal(process, terminal);
    if (awaited[2].revents != 0 && !pass_bytes(terminal, STDOUT_FILENO)) awaited[2].fd = -1;
    if (awaited[3].revents != 0 && !pass_bytes(STDIN_FILENO, terminal)) awaited[3].fd = -1;
    if (awaited[0].revents != 0) {
      ended = true;
      awaited[0].fd = -1;
      awaited[3].fd = -1;
    }
  }
  delete raw;
  return JS_NewBool(context, noticed);
}

}  // namespace

void define_foreground(JSContext* context, JSValueConst host) { define(context, host, {{"takeSignals", 0, TakeSignals}, {"watchForeground", 4, WatchForeground}}); }

}  // namespace tsrun::oci
