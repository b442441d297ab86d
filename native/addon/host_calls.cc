#include "addon/host_calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/quota.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <termios.h>
#include <unistd.h>

#include "addon/failure.h"
#include "engine/host_probe.h"

namespace tsrun {
namespace {

int32_t number(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

// closeDescriptor(fd): in a worker thread Node's own close warns of every descriptor that it has not opened.
Napi::Value CloseDescriptor(const Napi::CallbackInfo& info) {
  (void)close(number(info[0]));
  return info.Env().Undefined();
}

// landlockAbi(): version of the Landlock ABI, 0 for none.
Napi::Value LandlockAbi(const Napi::CallbackInfo& info) { return Napi::Number::New(info.Env(), engine::landlock_abi()); }

// deviceProgramProbe(): 0, or the errno with which the kernel refuses a program that allows every device.
Napi::Value DeviceProgramProbe(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), engine::device_program_probe());
}

// syscallName(number): as this architecture counts; for error messages.
Napi::Value SyscallName(const Napi::CallbackInfo& info) {
  if (info.Length() != 1 || !info[0].IsNumber()) return throw_usage(info.Env(), "a number is needed");
  char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number(info[0]));
  Napi::Value result = Napi::String::New(info.Env(), name == nullptr ? "" : name);
  free(name);
  return result;
}

// setWindowSize(terminal, rows, columns).
Napi::Value SetWindowSize(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 3 || !info[0].IsNumber() || !info[1].IsNumber() || !info[2].IsNumber()) {
    return throw_usage(env, "terminal, rows and columns are needed");
  }
  winsize size{};
  size.ws_row = static_cast<unsigned short>(number(info[1]));
  size.ws_col = static_cast<unsigned short>(number(info[2]));
  if (ioctl(number(info[0]), TIOCSWINSZ, &size) != 0) return throw_failure(env, "ioctl", errno);
  return env.Undefined();
}

// makeRaw(terminal): every byte passes as it is, both ways. Node's own raw mode goes on to make CR LF of LF (uv_tty_set_mode).
Napi::Value MakeRaw(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsNumber()) return throw_usage(env, "a terminal is needed");
  int terminal = number(info[0]);
  termios mode;
  if (tcgetattr(terminal, &mode) != 0) return throw_failure(env, "tcgetattr", errno);
  cfmakeraw(&mode);
  if (tcsetattr(terminal, TCSANOW, &mode) != 0) return throw_failure(env, "tcsetattr", errno);
  return env.Undefined();
}

// A path of a hostile root, for looking at: nothing is opened by that, neither a device nor a FIFO.
int find_in_root(int root, const char* path) {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  // Any rename or mount on the host, while `..` is passed, makes the kernel unsure whether it is still inside (openat2(2)).
  constexpr int kMostTries = 128;
  int found = -1;
  for (int tries = 0; found < 0 && tries < kMostTries && (tries == 0 || errno == EAGAIN); ++tries) {
    found = static_cast<int>(syscall(SYS_openat2, root, path, &how, sizeof how));
  }
  return found;
}

// A regular file that was found; what it is cannot change any more. EINVAL for anything else.
int open_regular(int found, struct stat* status) {
  if (fstat(found, status) != 0) return -1;
  if (!S_ISREG(status->st_mode)) {
    errno = EINVAL;
    return -1;
  }
  return open(("/proc/self/fd/" + std::to_string(found)).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

// readInRoot(root, path, limitBytes): a regular file of a hostile root file system. Links stay inside the root, and no more
// than the limit is read. Null when it is missing.
Napi::Value ReadInRoot(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 3 || !info[0].IsString() || !info[1].IsString() || !info[2].IsNumber()) {
    return throw_usage(env, "root, path and limit are needed");
  }
  int root = open(info[0].As<Napi::String>().Utf8Value().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return throw_failure(env, "open", errno);
  int found = find_in_root(root, info[1].As<Napi::String>().Utf8Value().c_str());
  int error = errno;
  close(root);
  if (found < 0) return error == ENOENT || error == ENOTDIR ? env.Null() : throw_failure(env, "openat2", error);
  struct stat status;
  int file = open_regular(found, &status);
  error = errno;
  close(found);
  if (file < 0) return throw_failure(env, "open", error);
  auto limit = static_cast<size_t>(info[2].As<Napi::Number>().Int64Value());
  std::string content(std::min(limit, static_cast<size_t>(status.st_size)), '\0');
  size_t used = 0;
  while (used < content.size()) {
    ssize_t count = read(file, content.data() + used, content.size() - used);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    used += static_cast<size_t>(count);
  }
  close(file);
  return Napi::Buffer<char>::Copy(env, content.data(), used);
}

// readXattr(path, name): an extended attribute of what lies at the path itself, at most 255 bytes of it; null without one.
Napi::Value ReadXattr(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 2 || !info[0].IsString() || !info[1].IsString()) return throw_usage(env, "a path and a name are needed");
  char value[255];
  std::string path = info[0].As<Napi::String>().Utf8Value();
  std::string name = info[1].As<Napi::String>().Utf8Value();
  ssize_t length = lgetxattr(path.c_str(), name.c_str(), value, sizeof value);
  if (length >= 0) return Napi::Buffer<char>::Copy(env, value, static_cast<size_t>(length));
  return errno == ENODATA || errno == ENOTSUP ? env.Null() : throw_failure(env, "lgetxattr", errno);
}

// forgetProject(folder, project): lets go of the project's limit on the file system of the folder. 0, or an errno.
Napi::Value ForgetProject(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 2 || !info[0].IsString() || !info[1].IsNumber()) return throw_usage(env, "a folder and a project are needed");
  int folder = open(info[0].As<Napi::String>().Utf8Value().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return Napi::Number::New(env, errno);
  if_dqblk none{};
  none.dqb_valid = QIF_BLIMITS;
  long done = syscall(SYS_quotactl_fd, folder, QCMD(Q_SETQUOTA, PRJQUOTA), info[1].As<Napi::Number>().Uint32Value(), &none);
  int error = done == 0 ? 0 : errno;
  close(folder);
  return Napi::Number::New(env, error);
}

// What a child that lives for a moment in a new user namespace finds out: a descriptor of the namespace, or an errno.
struct NamespaceSearch {
  char uid_map[32];
  char gid_map[32];
  int fd = -1;
  int error = 0;
};

bool write_own(const char* path, const char* text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  bool written = write(file, text, strlen(text)) >= 0;
  int error = errno;
  close(file);
  errno = error;
  return written;
}

// One id, its own, is what any process may map; groups only where none can be dropped (user_namespaces(7)).
int map_and_open(void* argument) {
  auto& search = *static_cast<NamespaceSearch*>(argument);
  bool mapped = write_own("/proc/self/setgroups", "deny") && write_own("/proc/self/uid_map", search.uid_map) &&
                write_own("/proc/self/gid_map", search.gid_map);
  if (mapped) search.fd = open("/proc/self/ns/user", O_RDONLY | O_CLOEXEC);
  search.error = search.fd < 0 ? errno : 0;
  return 0;
}

// The child shares memory and descriptors and holds this thread up until it ends, so that nothing of Node's heap is
// copied. It sends no SIGCHLD, of which Node would look for the cause.
int open_user_namespace(int* error) {
  alignas(16) static thread_local char stack[16384];
  NamespaceSearch search;
  (void)snprintf(search.uid_map, sizeof search.uid_map, "0 %u 1", geteuid());
  (void)snprintf(search.gid_map, sizeof search.gid_map, "0 %u 1", getegid());
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  // A handler of Node's must not run in the child, which has Node's memory but not its thread.
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int child = clone(map_and_open, stack + sizeof stack, CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_NEWUSER, &search);
  if (child < 0) search.error = errno;
  while (child > 0 && waitpid(child, nullptr, __WALL) < 0 && errno == EINTR) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  *error = search.error;
  return search.fd;
}

// idmapProbe(path): 0, or the errno with which the kernel refuses an id-mapped mount of the path.
Napi::Value IdmapProbe(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsString()) return throw_usage(env, "a path is needed");
  std::string path = info[0].As<Napi::String>().Utf8Value();
  auto tree = static_cast<int>(syscall(SYS_open_tree, AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (tree < 0) return Napi::Number::New(env, errno);
  int error = 0;
  int users = open_user_namespace(&error);
  if (users >= 0) {
    mount_attr change{};
    change.attr_set = MOUNT_ATTR_IDMAP;
    change.userns_fd = static_cast<uint64_t>(users);
    if (syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &change, sizeof change) != 0) error = errno;
    close(users);
  }
  close(tree);
  return Napi::Number::New(env, error);
}

}  // namespace

void InitHostCalls(Napi::Env env, Napi::Object exports) {
  exports.Set("closeDescriptor", Napi::Function::New(env, CloseDescriptor));
  exports.Set("landlockAbi", Napi::Function::New(env, LandlockAbi));
  exports.Set("deviceProgramProbe", Napi::Function::New(env, DeviceProgramProbe));
  exports.Set("syscallName", Napi::Function::New(env, SyscallName));
  exports.Set("setWindowSize", Napi::Function::New(env, SetWindowSize));
  exports.Set("makeRaw", Napi::Function::New(env, MakeRaw));
  exports.Set("idmapProbe", Napi::Function::New(env, IdmapProbe));
  exports.Set("readXattr", Napi::Function::New(env, ReadXattr));
  exports.Set("forgetProject", Napi::Function::New(env, ForgetProject));
  exports.Set("readInRoot", Napi::Function::New(env, ReadInRoot));
}

}  // namespace tsrun
