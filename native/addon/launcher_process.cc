#include "addon/launcher_process.h"

#include <errno.h>
#include <sys/socket.h>

#include "addon/failure.h"
#include "engine/launcher_process.h"

namespace tsrun {
namespace {

using engine::Descriptor;
using engine::Failure;

Napi::Value descriptor_or(Napi::Env env, Failure failure, Descriptor& descriptor) {
  if (failure) return throw_failure(env, failure.syscall, failure.error);
  return Napi::Number::New(env, descriptor.release());
}

int32_t number(const Napi::Value& value) { return value.As<Napi::Number>().Int32Value(); }

// startLauncher(launcherPath, reaperPath, rootless): the request socket.
Napi::Value StartLauncher(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 3 || !info[0].IsString() || !info[1].IsString() || !info[2].IsBoolean()) {
    return throw_usage(env, "two paths and whether the user is an ordinary one are needed");
  }
  engine::Started started;
  std::vector<std::string> words;
  if (info[2].As<Napi::Boolean>()) words.emplace_back("rootless");
  Failure failure = engine::start_launcher(info[0].As<Napi::String>(), info[1].As<Napi::String>(), std::move(words), &started);
  // The process that was started only hands on to the launcher proper and ends at once.
  if (!failure) engine::wait_for(started.pid);
  return descriptor_or(env, failure, started.requests);
}

// sealProgram(path): a sealed memfd that can be executed, with what the file holds.
Napi::Value SealProgram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsString()) return throw_usage(env, "a path is needed");
  Descriptor program;
  return descriptor_or(env, engine::seal_program(info[0].As<Napi::String>(), &program), program);
}

// connectLauncher(path): the request socket of a launcher that lives already.
Napi::Value ConnectLauncher(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsString()) return throw_usage(env, "a path is needed");
  Descriptor requests;
  return descriptor_or(env, engine::connect_path(info[0].As<Napi::String>(), SOCK_SEQPACKET, &requests), requests);
}

// connectDatagram(path): a datagram socket that sends there.
Napi::Value ConnectDatagram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsString()) return throw_usage(env, "a path is needed");
  Descriptor socket;
  return descriptor_or(env, engine::connect_path(info[0].As<Napi::String>(), SOCK_DGRAM, &socket), socket);
}

// streamPair(): two ends of a stream socket, for the launcher's events.
Napi::Value StreamPair(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return throw_failure(env, "socketpair", errno);
  Napi::Array pair = Napi::Array::New(env, 2);
  pair.Set(0U, Napi::Number::New(env, ends[0]));
  pair.Set(1U, Napi::Number::New(env, ends[1]));
  return pair;
}

// send(socket, bytes, descriptors): 0, or an errno (EAGAIN: try again when an event has come).
Napi::Value Send(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 3 || !info[0].IsNumber() || !info[1].IsTypedArray() || !info[2].IsArray()) {
    return throw_usage(env, "socket, bytes and descriptors are needed");
  }
  auto bytes = info[1].As<Napi::Uint8Array>();
  auto list = info[2].As<Napi::Array>();
  std::vector<int> descriptors;
  descriptors.reserve(list.Length());
  for (uint32_t index = 0; index < list.Length(); ++index) descriptors.push_back(number(list.Get(index)));
  return Napi::Number::New(env, engine::send_message(number(info[0]), bytes.Data(), bytes.ByteLength(), descriptors));
}

// sealBytes(bytes): a sealed memfd that holds them.
Napi::Value SealBytes(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsTypedArray()) return throw_usage(env, "bytes are needed");
  auto bytes = info[0].As<Napi::Uint8Array>();
  Descriptor file;
  return descriptor_or(env, engine::seal_bytes(bytes.Data(), bytes.ByteLength(), &file), file);
}

// shareMemory(size): a memfd of this size that can neither grow nor shrink.
Napi::Value ShareMemory(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsNumber()) return throw_usage(env, "a size is needed");
  Descriptor file;
  return descriptor_or(env, engine::share_memory(info[0].As<Napi::Number>().Int64Value(), &file), file);
}

// receive(socket): the descriptors of one message; they are close-on-exec.
Napi::Value Receive(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsNumber()) return throw_usage(env, "a socket is needed");
  std::vector<int> descriptors;
  if (Failure failure = engine::receive_descriptors(number(info[0]), &descriptors)) return throw_failure(env, failure.syscall, failure.error);
  Napi::Array list = Napi::Array::New(env);
  for (uint32_t index = 0; index < descriptors.size(); ++index) list.Set(index, Napi::Number::New(env, descriptors[index]));
  return list;
}

}  // namespace

void InitLauncherProcess(Napi::Env env, Napi::Object exports) {
  exports.Set("startLauncher", Napi::Function::New(env, StartLauncher));
  exports.Set("sealProgram", Napi::Function::New(env, SealProgram));
  exports.Set("connectLauncher", Napi::Function::New(env, ConnectLauncher));
  exports.Set("connectDatagram", Napi::Function::New(env, ConnectDatagram));
  exports.Set("streamPair", Napi::Function::New(env, StreamPair));
  exports.Set("send", Napi::Function::New(env, Send));
  exports.Set("sealBytes", Napi::Function::New(env, SealBytes));
  exports.Set("shareMemory", Napi::Function::New(env, ShareMemory));
  exports.Set("receive", Napi::Function::New(env, Receive));
}

}  // namespace tsrun
