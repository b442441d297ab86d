#include "addon/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>

#include "addon/failure.h"

namespace tsrun {
namespace {

bool takes_lock_arguments(const Napi::CallbackInfo& info) {
  return info.Length() == 2 && info[0].IsNumber() && info[1].IsBoolean();
}

int descriptor_of(const Napi::CallbackInfo& info) { return info[0].As<Napi::Number>().Int32Value(); }

int operation_of(const Napi::CallbackInfo& info) { return info[1].As<Napi::Boolean>() ? LOCK_EX : LOCK_SH; }

// tryLock(fd, exclusive): whether it was got; false when somebody else has it. Never blocks.
Napi::Value TryLock(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!takes_lock_arguments(info)) return throw_usage(env, "a descriptor is needed, and whether the lock is exclusive");
  int result = 0;
  do {
    result = flock(descriptor_of(info), operation_of(info) | LOCK_NB);
  } while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EWOULDBLOCK) return throw_failure(env, "flock", errno);
  return Napi::Boolean::New(env, result == 0);
}

struct Wait {
  // Of the caller's open file description, to which the lock belongs: it stays when this one is closed, and goes when both are.
  int file;
  int operation;
  int answer;
};

void* wait_for_lock(void* argument) {
  std::unique_ptr<Wait> wait(static_cast<Wait*>(argument));
  int result = 0;
  do {
    result = flock(wait->file, wait->operation);
  } while (result != 0 && errno == EINTR);
  auto error = static_cast<unsigned char>(result == 0 ? 0 : errno);
  close(wait->file);
  (void)send(wait->answer, &error, 1, MSG_NOSIGNAL);
  close(wait->answer);
  return nullptr;
}

int start_thread(Wait* wait) {
  constexpr size_t kStackBytes = 65536;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  // Signals are for Node's own threads.
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread;
  int error = pthread_create(&thread, &attributes, wait_for_lock, wait);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return error;
}

// awaitLock(fd, exclusive): a socket on which one byte arrives, 0 when the lock was got, else an errno. A thread waits, since no
// descriptor tells of a lock's end, and none of libuv's four, which who holds the lock may need in order to give it back.
Napi::Value AwaitLock(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (!takes_lock_arguments(info)) return throw_usage(env, "a descriptor is needed, and whether the lock is exclusive");
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return throw_failure(env, "socketpair", errno);
  int file = fcntl(descriptor_of(info), F_DUPFD_CLOEXEC, 0);
  int error = file < 0 ? errno : 0;
  if (error == 0) {
    auto wait = std::make_unique<Wait>(Wait{.file = file, .operation = operation_of(info), .answer = pair[1]});
    error = start_thread(wait.get());
    if (error == 0) (void)wait.release();
  }
  if (error == 0) return Napi::Number::New(env, pair[0]);
  if (file >= 0) close(file);
  close(pair[0]);
  close(pair[1]);
  return throw_failure(env, file < 0 ? "fcntl" : "pthread_create", error);
}

}  // namespace

void InitLocks(Napi::Env env, Napi::Object exports) {
  exports.Set("tryLock", Napi::Function::New(env, TryLock));
  exports.Set("awaitLock", Napi::Function::New(env, AwaitLock));
}

}  // namespace tsrun
