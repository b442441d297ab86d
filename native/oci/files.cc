#include "oci/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "oci/script.h"

namespace tsrun::oci {
namespace {

template <typename Call>
auto retry(const Call& call) {
  decltype(call()) result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

JSValue Open(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  std::string path = text_of(context, arguments[0]);
  auto flags = static_cast<int>(number_of(context, arguments[1])) | O_CLOEXEC;
  auto mode = static_cast<mode_t>(number_of(context, arguments[2]));
  return number_or_throw(context, "open", retry([&] { return open(path.c_str(), flags, mode); }));
}

JSValue Close(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  (void)close(static_cast<int>(number_of(context, arguments[0])));
  return JS_UNDEFINED;
}

JSValue Read(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  auto file = static_cast<int>(number_of(context, arguments[0]));
  std::vector<uint8_t> buffer(static_cast<size_t>(number_of(context, arguments[1])));
  ssize_t count = retry([&] { return read(file, buffer.data(), buffer.size()); });
  return count < 0 ? throw_failure(context, "read", errno) : new_bytes(context, buffer.data(), static_cast<size_t>(count));
}

JSValue Write(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  auto file = static_cast<int>(number_of(context, arguments[0]));
  Bytes bytes = bytes_of(context, arguments[1]);
  return number_or_throw(context, "write", retry([&] { return write(file, bytes.data, bytes.size); }));
}

// Files of the kernel say nothing of their size before they are read.
JSValue ReadFile(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  std::string path = text_of(context, arguments[0]);
  auto limit = static_cast<size_t>(number_of(context, arguments[1]));
  int file = retry([&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); });
  if (file < 0) return throw_failure(context, "open", errno);
  std::string content;
  char piece[16384];
  ssize_t count = 0;
  while (content.size() <= limit && (count = retry([&] { return read(file, piece, sizeof piece); })) > 0) {
    content.append(piece, static_cast<size_t>(count));
  }
  int error = count < 0 ? errno : 0;
  close(file);
  if (error == 0 && content.size() > limit) error = EFBIG;
  return error == 0 ? new_bytes(context, content.data(), content.size()) : throw_failure(context, "read", error);
}

JSValue Stat(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  std::string path = text_of(context, arguments[0]);
  bool follow = JS_ToBool(context, arguments[1]) > 0;
  struct stat info;
  if (fstatat(AT_FDCWD, path.c_str(), &info, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0) return throw_failure(context, "stat", errno);
  JSValue result = JS_NewObject(context);
  const struct {
    const char* name;
    int64_t value;
  } fields[] = {{"dev", static_cast<int64_t>(info.st_dev)}, {"ino", static_cast<int64_t>(info.st_ino)}, {"mode", info.st_mode},
                {"uid", info.st_uid},                       {"gid", info.st_gid},                       {"size", info.st_size},
                {"rdev", static_cast<int64_t>(info.st_rdev)},
                {"ctimeUs", int64_t{info.st_ctim.tv_sec} * 1000000 + info.st_ctim.tv_nsec / 1000}};
  for (const auto& [name, value] : fields) JS_SetPropertyStr(context, result, name, JS_NewInt64(context, value));
  return result;
}

JSValue FileSystemType(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  struct statfs info;
  if (statfs(text_of(context, arguments[0]).c_str(), &info) != 0) return throw_failure(context, "statfs", errno);
  return JS_NewInt64(context, info.f_type);
}

JSValue Access(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  auto mode = static_cast<int>(number_of(context, arguments[1]));
  return number_or_throw(context, "access", faccessat(AT_FDCWD, text_of(context, arguments[0]).c_str(), mode, AT_EACCESS));
}

JSValue MakeFolder(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  auto mode = static_cast<mode_t>(number_of(context, arguments[1]));
  return number_or_throw(context, "mkdir", mkdir(text_of(context, arguments[0]).c_str(), mode));
}

JSValue RemoveFolder(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  return number_or_throw(context, "rmdir", rmdir(text_of(context, arguments[0]).c_str()));
}

// The group stays.
JSValue SetOwner(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  std::string path = text_of(context, arguments[0]);
  auto owner = static_cast<uid_t>(number_of(context, arguments[1]));
  return number_or_throw(context, "lchown", lchown(path.c_str(), owner, static_cast<gid_t>(-1)));
}

JSValue Unlink(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  return number_or_throw(context, "unlink", unlink(text_of(context, arguments[0]).c_str()));
}

JSValue Rename(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  return number_or_throw(context, "rename", rename(text_of(context, arguments[0]).c_str(), text_of(context, arguments[1]).c_str()));
}

JSValue MakeFifo(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  auto mode = static_cast<mode_t>(number_of(context, arguments[1]));
  return number_or_throw(context, "mkfifo", mkfifo(text_of(context, arguments[0]).c_str(), mode));
}

// Waits.
JSValue Lock(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  auto file = static_cast<int>(number_of(context, arguments[0]));
  int operation = JS_ToBool(context, arguments[1]) > 0 ? LOCK_EX : LOCK_SH;
  return number_or_throw(context, "flock", retry([&] { return flock(file, operation); }));
}

JSValue RealPath(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  char found[PATH_MAX];
  if (realpath(text_of(context, arguments[0]).c_str(), found) == nullptr) return throw_failure(context, "realpath", errno);
  return JS_NewString(context, found);
}

JSValue ReadLink(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  char target[PATH_MAX];
  ssize_t size = readlink(text_of(context, arguments[0]).c_str(), target, sizeof target);
  return size < 0 ? throw_failure(context, "readlink", errno) : JS_NewStringLen(context, target, static_cast<size_t>(size));
}

JSValue ReadFolder(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  DIR* folder = opendir(text_of(context, arguments[0]).c_str());
  if (folder == nullptr) return throw_failure(context, "opendir", errno);
  std::vector<std::string> names;
  while (const dirent* entry = readdir(folder)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  closedir(folder);
  return new_texts(context, names);
}

}  // namespace

void define_files(JSContext* context, JSValueConst host) {
  define(context, host,
         {{"open", 3, Open}, {"close", 1, Close}, {"read", 2, Read}, {"write", 2, Write}, {"readFile", 2, ReadFile},
          {"stat", 2, Stat}, {"fileSystemType", 1, FileSystemType}, {"access", 2, Access}, {"makeFolder", 2, MakeFolder},
          {"removeFolder", 1, RemoveFolder}, {"unlink", 1, Unlink}, {"setOwner", 2, SetOwner}, {"rename", 2, Rename}, {"makeFifo", 2, MakeFifo},
          {"lock", 2, Lock}, {"realPath", 1, RealPath}, {"readLink", 1, ReadLink}, {"readFolder", 1, ReadFolder}});
}

}  // namespace tsrun::oci
