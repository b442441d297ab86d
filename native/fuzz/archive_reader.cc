// libFuzzer target: whatever bytes an archive has, the unpacker refuses it or makes a tree of it, without touching what lies
// beside its folder; and what it made can be listed and packed. Seeds are the archives of the tests (scripts/fuzz.mjs).
//
// The first byte chooses what is done with the others. The program's ways out (native/archive/failure.cc) throw here, so that all
// it has is let go of and the leak sanitizer sees the rest. libarchive's own decompression, in a thread (input.cc), stands aside.
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace {

struct Ended {};
int reports = -1;

[[noreturn]] void leave() { throw Ended(); }

}  // namespace

#define _exit(code) leave()
#undef STDERR_FILENO
#define STDERR_FILENO reports
#include "archive/failure.cc"
#undef _exit
#undef STDERR_FILENO
#define STDERR_FILENO 2

#include "archive/files.h"
#include "archive/input.h"
#include "archive/list.h"
#include "archive/pack.h"
#include "archive/unpack.h"
#include "archive/walk.h"
#include "sys/fd.h"

namespace {

std::string_view given;

void demand(bool holds, const char* what) {
  if (holds) return;
  (void)fprintf(stderr, "%s\n", what);
  abort();
}

}  // namespace

namespace tsrun::archive {

Input::Input(const InputSettings& settings) : settings_(settings) {}

Input::~Input() = default;

std::string_view Input::next() {
  std::string_view piece = given.substr(0, 4096);
  given.remove_prefix(piece.size());
  plain_digest_.add(piece);
  return piece;
}

}  // namespace tsrun::archive

namespace {

using tsrun::archive::UnpackOrder;

constexpr int kFirstLayer = 5;
constexpr unsigned kLayers = 2;
constexpr size_t kMostReport = 16384;

std::string scratch;
int beside = -1;  // the folder in which the one that is unpacked into lies

void write_text(const std::string& path, std::string_view text) {
  tsrun::UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  demand(file.valid() && tsrun::write_all(file.get(), text.data(), text.size()).ok(), path.c_str());
}

void make(const std::string& path) { demand(mkdir(path.c_str(), 0755) == 0, path.c_str()); }

// Of an ordinary user in a user namespace of its own, in which it is root.
void become_root() {
  if (geteuid() == 0) return;
  std::string map = "0 " + std::to_string(geteuid()) + " 1";
  std::string groups = "0 " + std::to_string(getegid()) + " 1";
  demand(unshare(CLONE_NEWUSER) == 0, "unshare");
  write_text("/proc/self/setgroups", "deny");
  write_text("/proc/self/uid_map", map);
  write_text("/proc/self/gid_map", groups);
}

// Nothing of the host can be written but the folder of the fuzzer; what is unpacked lies in memory.
void build_walls(const char* folder) {
  become_root();
  demand(unshare(CLONE_NEWNS) == 0 && mount("", "/", "", MS_REC | MS_PRIVATE, nullptr) == 0, "unshare");
  demand(mount(folder, folder, "", MS_BIND, nullptr) == 0, "mount of the folder");
  struct {
    uint64_t set;
    uint64_t clear;
    uint64_t propagation;
    uint64_t userns_fd;
  } attributes = {1, 0, 0, 0};  // MOUNT_ATTR_RDONLY
  demand(syscall(442, AT_FDCWD, "/", 0x8000 /* AT_RECURSIVE */, &attributes, sizeof attributes) == 0, "mount_setattr");
  attributes = {0, 1, 0, 0};
  demand(syscall(442, AT_FDCWD, folder, 0, &attributes, sizeof attributes) == 0, "mount_setattr of the folder");
  scratch = std::string(folder) + "/scratch";
  (void)mkdir(scratch.c_str(), 0755);
  demand(mount("tmpfs", scratch.c_str(), "tmpfs", 0, "size=256m,mode=0755") == 0, "mount of the scratch folder");
}

// Two layers below, with links out, a folder that hides another's, and something of every kind.
void make_layers() {
  for (unsigned index = 0; index < kLayers; ++index) {
    std::string layer = scratch + "/lower" + std::to_string(index);
    make(layer);
    make(layer + "/d");
    make(layer + "/a");
    write_text(layer + "/f", "below");
    write_text(layer + "/d/a", "below");
    demand(symlink("/d", (layer + "/l").c_str()) == 0 && symlink("../beside", (layer + "/out").c_str()) == 0 &&
               symlink("x", (layer + "/x").c_str()) == 0,
           "symlink");
    (void)setxattr((layer + "/d").c_str(), index == 0 ? "user.overlay.opaque" : "user.note", "y", 1, 0);
    int opened = open(layer.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int place = kFirstLayer + static_cast<int>(index);
    demand(opened == place || (fcntl(place, F_GETFD) < 0 && dup2(opened, place) == place), "a place for a layer");
  }
}

void prepare() {
  const char* folder = getenv("TSRUN_FUZZ_FOLDER");
  demand(folder != nullptr, "TSRUN_FUZZ_FOLDER is not set");
  build_walls(folder);
  // Those below the layers' are taken, whatever was open.
  while (open("/dev/null", O_RDWR | O_CLOEXEC) < kFirstLayer - 1) {
  }
  make_layers();
  make(scratch + "/work");
  write_text(scratch + "/beside", "untouched");
  beside = open(scratch.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  reports = open((scratch + "/reports").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  demand(beside >= 0 && reports >= 0 && dup2(null, STDOUT_FILENO) >= 0, "open");
}

// Whatever the archive's bytes are, who reads the report is given lines of ASCII, in which all quotes are in pairs.
void check_report() {
  static char text[kMostReport];
  ssize_t size = pread(reports, text, sizeof text, 0);
  demand(size > 0 && text[size - 1] == '\n', "a report without an end");
  bool quoted = false;
  for (ssize_t index = 0; index < size; ++index) {
    if (text[index] == '\n') {
      demand(!quoted, "a line that ends within a text");
      continue;
    }
    demand(text[index] >= 32 && text[index] < 127, "a report that is not ASCII");
    if (text[index] == '\\')
      demand(++index < size && text[index] == 'u', "an escape of another kind");
    else if (text[index] == '"')
      quoted = !quoted;
  }
  demand(ftruncate(reports, 0) == 0 && lseek(reports, 0, SEEK_SET) == 0, "ftruncate");
}

bool attempt(const std::function<void()>& work) {
  try {
    work();
    check_report();
    return true;
  } catch (const Ended&) {
    check_report();
    return false;
  }
}

void check_beside() {
  struct stat status {};
  demand(fstatat(beside, "beside", &status, AT_SYMLINK_NOFOLLOW) == 0 && status.st_size == 9 &&
             status.st_mode == (S_IFREG | 0644) && status.st_nlink == 1,
         "what lies beside was touched");
  unsigned names = 0;
  tsrun::archive::for_each_name(beside, [&names](const char*) { ++names; });
  demand(names == kLayers + 3, "something came beside");
}

// No device, and no attribute of overlayfs but the marks of folders that are opaque or hold whiteouts.
void check_tree(const std::string& path) {
  tsrun::archive::walk(path, tsrun::archive::WalkRules{}, [](const tsrun::archive::Found& found) {
    bool device = S_ISBLK(found.status.st_mode) || (S_ISCHR(found.status.st_mode) && !tsrun::archive::is_whiteout(found.status));
    demand(!device && !S_ISSOCK(found.status.st_mode), "a node of a device");
    char names[4096];
    ssize_t size = found.fd < 0 ? 0 : flistxattr(found.fd, names, sizeof names);
    for (const char* name = names; name < names + size; name += strlen(name) + 1) {
      demand(strncmp(name, "trusted.overlay.", 16) != 0, "an attribute of overlayfs");
      demand(
          strncmp(name, "user.overlay.", 13) != 0 ||
              ((strcmp(name, "user.overlay.opaque") == 0 || strcmp(name, "user.overlay.origin") == 0) && S_ISDIR(found.status.st_mode)),
          "an attribute of overlayfs");
    }
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static bool ready = (prepare(), true);
  if (!ready || size == 0) return 0;
  const std::string work = scratch + "/work";
  given = {reinterpret_cast<const char*>(data) + 1, size - 1};
  UnpackOrder order;
  order.layer = (data[0] & 1) == 0;
  order.knows_lower = (data[0] & 2) != 0;
  order.lower_layers = kLayers;
  order.user_attributes = true;
  order.folder = work;
  // Who is root of a user namespace has one id.
  order.gives_owner = true;
  order.most_bytes = 1 << 24;
  order.most_entries = 2000;
  (void)attempt([&order] { (void)tsrun::archive::unpack(order); });
  check_tree(work);
  if ((data[0] & 4) != 0) {
    (void)attempt([&work] { (void)tsrun::archive::list(-1, work, false, true); });
    (void)attempt([&work] { (void)tsrun::archive::pack(work, tsrun::archive::WalkRules{}, "top"); });
  }
  check_beside();
  tsrun::UniqueFd folder(open(work.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  tsrun::archive::for_each_name(folder.get(), [&folder](const char* name) { tsrun::archive::remove_all(folder.get(), name); });
  demand(fchmod(folder.get(), 0755) == 0, "fchmod");
  return 0;
}
