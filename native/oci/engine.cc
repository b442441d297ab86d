#include "oci/engine.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/host_probe.h"
#include "engine/launcher_process.h"
#include "engine/seccomp.h"
#include "oci/script.h"

namespace tsrun::oci {
namespace {

using engine::Descriptor;

// startLauncher(launcherPath, reaperPath, words): its request socket and pid.
JSValue StartLauncher(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  engine::Started started;
  engine::Failure failure = engine::start_launcher(text_of(context, arguments[0]), text_of(context, arguments[1]),
                                                   texts_of(context, arguments[2]), &started);
  if (failure) return throw_failure(context, failure);
  JSValue result = JS_NewObject(context);
  JS_SetPropertyStr(context, result, "requests", JS_NewInt32(context, started.requests.release()));
  JS_SetPropertyStr(context, result, "pid", JS_NewInt32(context, started.pid));
  return result;
}

// streamPair(): two ends of a stream socket, for the launcher's events.
JSValue StreamPair(JSContext* context, JSValueConst, int, JSValueConst*) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return throw_failure(context, "socketpair", errno);
  JSValue pair = JS_NewArray(context);
  for (uint32_t index = 0; index < 2; ++index) JS_SetPropertyUint32(context, pair, index, JS_NewInt32(context, ends[index]));
  return pair;
}

// send(socket, bytes, descriptors): 0, or an errno.
JSValue Send(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  Bytes bytes = bytes_of(context, arguments[1]);
  auto socket = static_cast<int>(number_of(context, arguments[0]));
  return JS_NewInt32(context, engine::send_message(socket, bytes.data, bytes.size, numbers_of(context, arguments[2])));
}

// receive(socket): the descriptors of one message.
JSValue Receive(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  std::vector<int> descriptors;
  engine::Failure failure = engine::receive_descriptors(static_cast<int>(number_of(context, arguments[0])), &descriptors);
  if (failure) return throw_failure(context, failure);
  JSValue list = JS_NewArray(context);
  for (uint32_t index = 0; index < descriptors.size(); ++index) {
    JS_SetPropertyUint32(context, list, index, JS_NewInt32(context, descriptors[index]));
  }
  return list;
}

// sealBytes(bytes): a sealed memfd that holds them.
JSValue SealBytes(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  Bytes bytes = bytes_of(context, arguments[0]);
  Descriptor sealed;
  if (engine::Failure failure = engine::seal_bytes(bytes.data, bytes.size, &sealed)) return throw_failure(context, failure);
  return JS_NewInt32(context, sealed.release());
}

// connectSocket(path): a stream socket that is connected to it.
JSValue ConnectSocket(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  std::string path = text_of(context, arguments[0]);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return throw_failure(context, "connect", ENAMETOOLONG);
  path.copy(address.sun_path, path.size());
  Descriptor connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connection.get() < 0) return throw_failure(context, "socket", errno);
  if (connect(connection.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return throw_failure(context, "connect", errno);
  return JS_NewInt32(context, connection.release());
}

// compileSeccomp(profile): the program's bytes. Its errors have `detail` as well.
JSValue CompileSeccomp(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  Bytes profile = bytes_of(context, arguments[0]);
  std::vector<uint8_t> program;
  seccomp::Failure failure;
  if (seccomp::CompileSeccomp(profile.data, profile.size, &program, &failure)) return new_bytes(context, program.data(), program.size());
  JSValue thrown = throw_failure(context, failure.syscall, failure.error);
  JSValue error = JS_GetException(context);
  JS_SetPropertyStr(context, error, "detail", JS_NewString(context, failure.detail.c_str()));
  JS_Throw(context, error);
  return thrown;
}

JSValue SyscallName(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  char* name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, static_cast<int>(number_of(context, arguments[0])));
  JSValue result = JS_NewString(context, name == nullptr ? "" : name);
  free(name);
  return result;
}

JSValue LandlockAbi(JSContext* context, JSValueConst, int, JSValueConst*) { return JS_NewInt32(context, engine::landlock_abi()); }

JSValue DeviceProgramProbe(JSContext* context, JSValueConst, int, JSValueConst*) {
  return JS_NewInt32(context, engine::device_program_probe());
}

}  // namespace

void define_engine(JSContext* context, JSValueConst host) {
  define(context, host,
         {{"startLauncher", 3, StartLauncher}, {"streamPair", 0, StreamPair}, {"send", 3, Send}, {"receive", 1, Receive},
          {"sealBytes", 1, SealBytes}, {"connectSocket", 1, ConnectSocket}, {"compileSeccomp", 1, CompileSeccomp},
          {"syscallName", 1, SyscallName}, {"landlockAbi", 0, LandlockAbi}, {"deviceProgramProbe", 0, DeviceProgramProbe}});
}

}  // namespace tsrun::oci
