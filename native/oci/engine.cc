#include "oci/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/device_program.h"
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

// connectDatagram(path): a socket for datagrams that is connected to it, and does not wait.
JSValue ConnectDatagram(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  Descriptor connection;
  if (engine::Failure failure = engine::connect_path(text_of(context, arguments[0]), SOCK_DGRAM, &connection)) return throw_failure(context, failure);
  return JS_NewInt32(context, connection.release());
}

// bindDatagram(folder, name): a socket for datagrams at that name, which anybody may send to. By the folder's descriptor: the whole path may be
// longer than an address holds.
JSValue BindDatagram(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  Descriptor folder(open(text_of(context, arguments[0]).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() < 0) return throw_failure(context, "open", errno);
  std::string name = text_of(context, arguments[1]);
  std::string path = "/proc/self/fd/" + std::to_string(folder.get()) + "/" + name;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return throw_failure(context, "bind", ENAMETOOLONG);
  path.copy(address.sun_path, path.size());
  Descriptor bound(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (bound.get() < 0) return throw_failure(context, "socket", errno);
  if (bind(bound.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return throw_failure(context, "bind", errno);
  if (fchmodat(folder.get(), name.c_str(), 0777, 0) != 0) return throw_failure(context, "fchmodat", errno);
  return JS_NewInt32(context, bound.release());
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

// seccompVersion(): of libseccomp, `2.5.4`.
JSValue SeccompVersion(JSContext* context, JSValueConst, int, JSValueConst*) {
  const scmp_version* version = seccomp_version();
  std::string text = std::to_string(version->major) + "." + std::to_string(version->minor) + "." + std::to_string(version->micro);
  return JS_NewString(context, text.c_str());
}

JSValue LandlockAbi(JSContext* context, JSValueConst, int, JSValueConst*) { return JS_NewInt32(context, engine::landlock_abi()); }

JSValue DeviceProgramProbe(JSContext* context, JSValueConst, int, JSValueConst*) {
  return JS_NewInt32(context, engine::device_program_probe());
}

// loadDeviceProgram(instructions): its descriptor.
JSValue LoadDeviceProgram(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  Bytes code = bytes_of(context, arguments[0]);
  Descriptor program;
  if (engine::Failure failure = engine::load_device_program(code.data, code.size, &program)) return throw_failure(context, failure);
  return JS_NewInt32(context, program.release());
}

// replaceDeviceProgram(program, cgroup).
JSValue ReplaceDeviceProgram(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  auto program = static_cast<int>(number_of(context, arguments[0]));
  engine::Failure failure = engine::replace_device_program(program, static_cast<int>(number_of(context, arguments[1])));
  return failure ? throw_failure(context, failure) : JS_UNDEFINED;
}

// seccompFlagWorks(flags): whether the kernel knows them; it looks at them before it misses the filter (seccomp(2), EFAULT).
JSValue SeccompFlagWorks(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  constexpr unsigned int kSetModeFilter = 1;
  auto flags = static_cast<unsigned int>(number_of(context, arguments[0]));
  return JS_NewBool(context, syscall(SYS_seccomp, kSetModeFilter, flags, nullptr) != 0 && errno == EFAULT);
}

// seccompArchitecture(name): whether libseccomp knows it, `x86_64`.
JSValue SeccompArchitecture(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  return JS_NewBool(context, seccomp_arch_resolve_name(text_of(context, arguments[0]).c_str()) != 0);
}

}  // namespace

void define_engine(JSContext* context, JSValueConst host) {
  define(context, host,
         {{"startLauncher", 3, StartLauncher}, {"streamPair", 0, StreamPair}, {"send", 3, Send}, {"receive", 1, Receive},
          {"sealBytes", 1, SealBytes}, {"connectSocket", 1, ConnectSocket}, {"connectDatagram", 1, ConnectDatagram}, {"bindDatagram", 2, BindDatagram},
          {"compileSeccomp", 1, CompileSeccomp},
          {"syscallName", 1, SyscallName}, {"seccompVersion", 0, SeccompVersion}, {"landlockAbi", 0, LandlockAbi}, {"deviceProgramProbe", 0, DeviceProgramProbe},
          {"loadDeviceProgram", 1, LoadDeviceProgram}, {"replaceDeviceProgram", 2, ReplaceDeviceProgram},
          {"seccompFlagWorks", 1, SeccompFlagWorks}, {"seccompArchitecture", 1, SeccompArchitecture}});
}

}  // namespace tsrun::oci
