// HOME, from the container's own passwd(5). The file is the image's, or whoever's it is that writes to a live container: it is looked up
// inside the root, nothing in it is waited for, and it may say no more than a path. Lines are read as src/image/accounts.ts reads them.
#include <sys/stat.h>

#include "steps/child_steps.h"
#include "steps/root_path.h"

namespace tsrun {
namespace {

// What is behind counts for nothing. A page that is never touched costs nothing.
inline constexpr size_t kMostFile = size_t{1} << 20;
inline constexpr size_t kLongestLine = size_t{8} << 10;
inline constexpr size_t kLongestHome = 4095;
// The kernel keeps the one behind for "no id" (user_namespaces(7)).
inline constexpr uint64_t kLargestId = 4294967294;
inline constexpr int kFieldCount = 7;
inline constexpr char kVariable[] = "HOME=";
inline constexpr size_t kVariableSize = sizeof kVariable - 1;

char file_text[kMostFile];
char home_word[kVariableSize + kLongestHome + 1];

struct Span {
  const char* at;
  size_t size;
};

// Of a device or FIFO nothing is read.
size_t read_accounts(int root) {
  UniqueFd file;
  struct stat info;
  if (!open_in_root(root, "etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY, Links::kFollowInside, &file).ok()) return 0;
  if (!sys::call<SYS_fstat>(file.get(), &info).ok() || !S_ISREG(info.st_mode)) return 0;
  size_t size = 0;
  while (size < kMostFile) {
    sys::Outcome read = sys::call<SYS_read>(file.get(), file_text + size, kMostFile - size);
    if (read.error() == EINTR) continue;
    if (!read.ok() || read.value == 0) break;
    size += static_cast<size_t>(read.value);
  }
  return size;
}

// Up to the separator or the end, which `rest` is behind then.
Span cut(Span* rest, char separator) {
  const auto* found = static_cast<const char*>(memchr(rest->at, separator, rest->size));
  size_t size = found == nullptr ? rest->size : static_cast<size_t>(found - rest->at);
  Span part{rest->at, size};
  size_t used = found == nullptr ? size : size + 1;
  *rest = Span{rest->at + used, rest->size - used};
  return part;
}

// Plain decimal, without zeros in front.
bool read_id(Span text, uint64_t* id) {
  if (text.size == 0 || text.size > 10 || (text.at[0] == '0' && text.size > 1)) return false;
  *id = 0;
  for (size_t index = 0; index < text.size; ++index) {
    if (text.at[index] < '0' || text.at[index] > '9') return false;
    *id = *id * 10 + static_cast<uint64_t>(text.at[index] - '0');
  }
  return *id <= kLargestId;
}

bool is_home(Span path) {
  if (path.size == 0 || path.size > kLongestHome || path.at[0] != '/') return false;
  for (size_t index = 0; index < path.size; ++index) {
    auto byte = static_cast<unsigned char>(path.at[index]);
    if (byte < 0x20 || byte == 0x7f) return false;
  }
  return true;
}

// Whether a line is the user's; where it is, `home` is what it says.
bool read_line(Span line, uint32_t uid, Span* home) {
  // A NUL ends the line for a C program, which then reads another entry.
  if (line.size > kLongestLine || memchr(line.at, 0, line.size) != nullptr) return false;
  Span fields[kFieldCount];
  for (Span& field : fields) field = cut(&line, ':');
  uint64_t own;
  uint64_t group;
  if (fields[0].size == 0 || !read_id(fields[2], &own) || !read_id(fields[3], &group) || own != uid) return false;
  *home = fields[5];
  return true;
}

// The first line of the user counts.
Span home_of(uint32_t uid, Span rest) {
  while (rest.size > 0) {
    Span home;
    if (read_line(cut(&rest, '\n'), uid, &home)) return is_home(home) ? home : Span{"/", 1};
  }
  return Span{"/", 1};
}

}  // namespace

Status run(ChildContext& context, const StepFindHome& step) {
  Span home = home_of(step.uid, Span{file_text, read_accounts(context.root.get())});
  memcpy(home_word, kVariable, kVariableSize);
  memcpy(home_word + kVariableSize, home.at, home.size);
  home_word[kVariableSize + home.size] = 0;
  context.home = home_word;
  return kOk;
}

}  // namespace tsrun
