#include "oci/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "engine/launcher_process.h"
#include "oci/script.h"

extern char** environ;

namespace tsrun::oci {
namespace {

JSValue Ids(JSContext* context, JSValueConst, int, JSValueConst*) {
  JSValue result = JS_NewObject(context);
  JS_SetPropertyStr(context, result, "pid", JS_NewInt64(context, getpid()));
  JS_SetPropertyStr(context, result, "uid", JS_NewInt64(context, geteuid()));
  JS_SetPropertyStr(context, result, "gid", JS_NewInt64(context, getegid()));
  return result;
}

JSValue Environment(JSContext* context, JSValueConst, int, JSValueConst*) {
  JSValue result = JS_NewObject(context);
  for (char** each = environ; *each != nullptr; ++each) {
    std::string word = *each;
    size_t end = word.find('=');
    if (end == std::string::npos) continue;
    JS_SetPropertyStr(context, result, word.substr(0, end).c_str(), JS_NewString(context, word.c_str() + end + 1));
  }
  return result;
}

JSValue WorkingFolder(JSContext* context, JSValueConst, int, JSValueConst*) {
  char path[4096];
  return getcwd(path, sizeof path) == nullptr ? throw_failure(context, "getcwd", errno) : JS_NewString(context, path);
}

JSValue KernelRelease(JSContext* context, JSValueConst, int, JSValueConst*) {
  utsname name{};
  (void)uname(&name);
  return JS_NewString(context, name.release);
}

// openProcess(pid): its pidfd.
JSValue OpenProcess(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  auto pid = static_cast<pid_t>(number_of(context, arguments[0]));
  return number_or_throw(context, "pidfd_open", syscall(SYS_pidfd_open, pid, 0));
}

// signalProcess(pidfd, signal).
JSValue SignalProcess(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  auto process = static_cast<int>(number_of(context, arguments[0]));
  auto number = static_cast<int>(number_of(context, arguments[1]));
  return number_or_throw(context, "pidfd_send_signal", syscall(SYS_pidfd_send_signal, process, number, nullptr, 0));
}

// awaitEvents(fd, events, milliseconds): whether one of poll(2)'s events came in time; -1 waits for ever.
JSValue AwaitEvents(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  pollfd awaited{static_cast<int>(number_of(context, arguments[0])), static_cast<short>(number_of(context, arguments[1])), 0};
  auto timeout = static_cast<int>(number_of(context, arguments[2]));
  int ready = poll(&awaited, 1, timeout);
  while (ready < 0 && errno == EINTR) ready = poll(&awaited, 1, timeout);
  return JS_NewBool(context, ready > 0);
}

// awaitAnyEvent(fds, events, milliseconds): the index of the first one that has one of poll(2)'s events, -1 where none came in time.
JSValue AwaitAnyEvent(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  std::vector<pollfd> awaited;
  for (int fd : numbers_of(context, arguments[0])) awaited.push_back({fd, static_cast<short>(number_of(context, arguments[1])), 0});
  auto timeout = static_cast<int>(number_of(context, arguments[2]));
  int ready = poll(awaited.data(), awaited.size(), timeout);
  if (ready < 0 && errno != EINTR) return throw_failure(context, "poll", errno);
  for (size_t index = 0; ready > 0 && index < awaited.size(); ++index) {
    if (awaited[index].revents != 0) return JS_NewInt64(context, static_cast<int64_t>(index));
  }
  return JS_NewInt32(context, -1);
}

// Ends when nobody can write any more: also when the caller is killed.
[[noreturn]] void hold(int reader) {
  char byte;
  (void)dup2(reader, 0);
  (void)close_range(1, ~0U, 0);
  while (read(0, &byte, 1) < 0 && errno == EINTR) {
  }
  _exit(0);
}

// startHolder(): a child that does nothing, and holds nothing of ours, until the descriptor is closed.
JSValue StartHolder(JSContext* context, JSValueConst, int, JSValueConst*) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return throw_failure(context, "pipe2", errno);
  pid_t pid = fork();
  if (pid == 0) hold(ends[0]);
  int error = errno;
  (void)close(ends[0]);
  if (pid < 0) {
    (void)close(ends[1]);
    return throw_failure(context, "fork", error);
  }
  JSValue result = JS_NewObject(context);
  JS_SetPropertyStr(context, result, "pid", JS_NewInt32(context, pid));
  JS_SetPropertyStr(context, result, "fd", JS_NewInt32(context, ends[1]));
  return result;
}

JSValue WaitFor(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  engine::wait_for(static_cast<pid_t>(number_of(context, arguments[0])));
  return JS_UNDEFINED;
}

JSValue IsTerminal(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  return JS_NewBool(context, isatty(static_cast<int>(number_of(context, arguments[0]))));
}

}  // namespace

void define_processes(JSContext* context, JSValueConst host) {
#if defined(__x86_64__)
  constexpr char kArch[] = "x64";
#else
  constexpr char kArch[] = "arm64";
#endif
  JS_SetPropertyStr(context, host, "arch", JS_NewString(context, kArch));
  define(context, host,
         {{"ids", 0, Ids}, {"environment", 0, Environment}, {"workingFolder", 0, WorkingFolder}, {"kernelRelease", 0, KernelRelease},
          {"openProcess", 1, OpenProcess}, {"signalProcess", 2, SignalProcess}, {"awaitEvents", 3, AwaitEvents},
          {"awaitAnyEvent", 3, AwaitAnyEvent},
          {"startHolder", 0, StartHolder}, {"waitFor", 1, WaitFor}, {"isTerminal", 1, IsTerminal}});
}

}  // namespace tsrun::oci
