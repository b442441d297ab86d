#include "oci/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "engine/launcher_process.h"
#include "oci/script.h"

namespace tsrun::oci {
namespace {

using engine::Descriptor;

constexpr size_t kMostOutput = 1048576;

struct Pipe {
  Descriptor reader;
  Descriptor writer;

  bool open() {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return false;
    reader.set(ends[0]);
    writer.set(ends[1]);
    return true;
  }
};

void close_now(Descriptor& descriptor) {
  if (descriptor.get() >= 0) close(descriptor.release());
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  list.reserve(texts.size() + 1);
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

struct Program {
  std::string path;
  std::string folder;
  std::vector<std::string> words;
  std::vector<std::string> environment;
  Bytes input;
  int64_t timeout_ms = -1;
  std::vector<int> outputs;  // in the place of its standard output and error; below 0, what goes there is gathered
};

struct Ended {
  int status = 0;
  bool timed_out = false;
  std::string output;
};

// It inherits nothing but its three streams, and leads a process group, which can be killed with what it has started.
void set_up(posix_spawnattr_t* attributes) {
  sigset_t none;
  sigset_t reset;
  sigemptyset(&none);
  sigemptyset(&reset);
  sigaddset(&reset, SIGPIPE);
  posix_spawnattr_init(attributes);
  posix_spawnattr_setsigmask(attributes, &none);
  posix_spawnattr_setsigdefault(attributes, &reset);
  posix_spawnattr_setpgroup(attributes, 0);
  posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

int start(Program& program, const Pipe& input, const Pipe& output, pid_t* pid) {
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_t actions;
  set_up(&attributes);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input.reader.get(), 0);
  for (int stream : {1, 2}) {
    auto index = static_cast<size_t>(stream) - 1;
    bool is_given = index < program.outputs.size() && program.outputs[index] >= 0;
    posix_spawn_file_actions_adddup2(&actions, is_given ? program.outputs[index] : output.writer.get(), stream);
  }
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawn_file_actions_addchdir_np(&actions, program.folder.c_str());
  int error = posix_spawn(pid, program.path.c_str(), &actions, &attributes, pointers(program.words).data(), pointers(program.environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

void feed(Descriptor& writer, Bytes* left) {
  ssize_t written = left->size == 0 ? 0 : write(writer.get(), left->data, left->size);
  if (written > 0) *left = Bytes{left->data + written, left->size - static_cast<size_t>(written)};
  // Who does not read what it is told is free not to.
  bool broken = written < 0 && errno != EAGAIN && errno != EINTR;
  if (left->size == 0 || broken) close_now(writer);
}

void gather(Descriptor& reader, std::string* output) {
  char piece[4096];
  ssize_t count = read(reader.get(), piece, sizeof piece);
  if (count > 0 && output->size() < kMostOutput) output->append(piece, static_cast<size_t>(count));
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) close_now(reader);
}

// Of this process, which has one thread. None where the kernel does not tell (CONFIG_PROC_CHILDREN).
std::vector<pid_t> children() {
  char text[4096] = "";
  Descriptor file(open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC));
  std::vector<pid_t> list;
  if (read(file.get(), text, sizeof text - 1) < 0) return list;
  // A blank follows each that is told whole.
  char* rest = text;
  for (long pid = strtol(rest, &rest, 10); pid > 0 && *rest == ' '; pid = strtol(rest, &rest, 10)) list.push_back(static_cast<pid_t>(pid));
  return list;
}

// Who leaves the program's process group, and outlives its own parent, as daemons do, becomes a child of the nearest subreaper above.
void adopt_orphans(bool wanted) { (void)prctl(PR_SET_CHILD_SUBREAPER, wanted ? 1UL : 0UL, 0UL, 0UL, 0UL); }

// The end of each makes children of this process of its own children.
void end_orphans(const std::vector<pid_t>& others) {
  for (bool found = true; found;) {
    found = false;
    for (pid_t child : children()) {
      if (std::find(others.begin(), others.end(), child) != others.end() || kill(child, SIGKILL) != 0) continue;
      found = waitpid(child, nullptr, 0) == child || found;
    }
  }
}

// Until it ends; who only keeps its output open is not waited for.
void attend(const Program& program, pid_t pid, int process, Pipe& input, Pipe& output, Ended* ended) {
  int64_t until = program.timeout_ms < 0 ? -1 : now_ms() + program.timeout_ms;
  Bytes left = program.input;
  for (;;) {
    pollfd awaited[] = {{process, POLLIN, 0}, {output.reader.get(), POLLIN, 0}, {input.writer.get(), POLLOUT, 0}};
    int64_t wait = until < 0 ? -1 : until - now_ms();
    ended->timed_out = until >= 0 && wait <= 0;
    if (ended->timed_out) {
      (void)kill(-pid, SIGKILL);
      (void)syscall(SYS_pidfd_send_signal, process, SIGKILL, nullptr, 0);
      return;
    }
    if (poll(awaited, 3, static_cast<int>(wait)) < 0) continue;
    if (awaited[2].revents != 0) feed(input.writer, &left);
    if (awaited[1].revents != 0) gather(output.reader, &ended->output);
    if (awaited[0].revents != 0 && awaited[1].revents == 0) return;
  }
}

int run(Program& program, Ended* ended) {
  Pipe input;
  Pipe output;
  if (!input.open() || !output.open()) return errno;
  std::vector<pid_t> others = children();
  adopt_orphans(program.timeout_ms >= 0);
  pid_t pid = 0;
  if (int error = start(program, input, output, &pid)) return error;
  close_now(input.reader);
  close_now(output.writer);
  (void)fcntl(input.writer.get(), F_SETFL, O_NONBLOCK);
  (void)fcntl(output.reader.get(), F_SETFL, O_NONBLOCK);
  (void)signal(SIGPIPE, SIG_IGN);
  Descriptor process(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  attend(program, pid, process.get(), input, output, ended);
  while (waitpid(pid, &ended->status, 0) < 0 && errno == EINTR) {
  }
  if (ended->timed_out) end_orphans(others);
  adopt_orphans(false);
  return 0;
}

// runProgram(path, folder, words, environment, input, timeoutMs, outputs): its wait status, whether it was ended for its time, and what it printed.
JSValue RunProgram(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  Program program{text_of(context, arguments[0]),  text_of(context, arguments[1]),  texts_of(context, arguments[2]),
                  texts_of(context, arguments[3]), bytes_of(context, arguments[4]), number_of(context, arguments[5]), numbers_of(context, arguments[6])};
  Ended ended;
  if (int error = run(program, &ended)) return throw_failure(context, "posix_spawn", error);
  JSValue result = JS_NewObject(context);
  JS_SetPropertyStr(context, result, "status", JS_NewInt32(context, ended.status));
  JS_SetPropertyStr(context, result, "timedOut", JS_NewBool(context, ended.timed_out));
  JS_SetPropertyStr(context, result, "output", JS_NewStringLen(context, ended.output.data(), ended.output.size()));
  return result;
}

}  // namespace

void define_programs(JSContext* context, JSValueConst host) { define(context, host, {{"runProgram", 7, RunProgram}}); }

}  // namespace tsrun::oci
