#include "sys/file_system.h"

namespace tsrun {

Status FileSystemContext::open(const char* type) {
  return take(sys::call<SYS_fsopen>(type, FSOPEN_CLOEXEC), &context_);
}

Status FileSystemContext::set(const char* key, const char* value) {
  return sys::call<SYS_fsconfig>(context_.get(), FSCONFIG_SET_STRING, key, value, 0).status();
}

Status FileSystemContext::set_flag(const char* key) {
  return sys::call<SYS_fsconfig>(context_.get(), FSCONFIG_SET_FLAG, key, 0, 0).status();
}

Status FileSystemContext::set_descriptor(const char* key, int fd) {
  return sys::call<SYS_fsconfig>(context_.get(), FSCONFIG_SET_FD, key, 0, fd).status();
}

Status FileSystemContext::set_option(Text option) {
  auto* equals = static_cast<const char*>(memchr(option.data, '=', option.size));
  if (equals == nullptr) return set_flag(option.data);
  char key[64];
  auto length = static_cast<size_t>(equals - option.data);
  if (length >= sizeof key) return Status{SYS_fsconfig, EINVAL};
  memcpy(key, option.data, length);
  key[length] = 0;
  return set(key, equals + 1);
}

Status FileSystemContext::mount(uint64_t attributes, UniqueFd* mount) {
  TSRUN_TRY(sys::call<SYS_fsconfig>(context_.get(), FSCONFIG_CMD_CREATE, 0, 0, 0).status());
  return take(sys::call<SYS_fsmount>(context_.get(), FSMOUNT_CLOEXEC, attributes), mount);
}

Status make_file_system(const char* type, const char* source, Texts options, uint64_t attributes, UniqueFd* mount) {
  FileSystemContext context;
  TSRUN_TRY(context.open(type));
  if (source[0] != 0) TSRUN_TRY(context.set("source", source));
  while (options.count > 0) TSRUN_TRY(context.set_option(options.next()));
  return context.mount(attributes, mount);
}

}  // namespace tsrun
