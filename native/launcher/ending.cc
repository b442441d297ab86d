// What is left of a container when its processes are gone: last figures, cgroup, record.
#include <stdlib.h>

#include "launcher/cgroup_watch.h"
#include "launcher/requests.h"
#include "sys/directory.h"
#include "sys/process.h"

namespace tsrun {
namespace {

inline constexpr size_t kMaxReport = 8192;
// Ten reports at their largest; the plan asks for seven.
inline constexpr size_t kMaxExit = 10 * (kMaxReport + 64);
// More than `cgroup.max.depth` of the parent of all containers (cgroup/layout.ts).
inline constexpr int kMaxDepth = 128;

// Kernel figures only: a payload may write what it likes, but not into these files.
void read_reports(Container& container) {
  if (container.reports == nullptr || container.contents != nullptr) return;
  size_t capacity = container.report_count * (kMaxReport + kRecordHeader);
  auto* contents = static_cast<uint8_t*>(malloc(capacity));
  if (contents == nullptr) return;
  Writer writer(contents, capacity);
  char content[kMaxReport];
  for (Texts names{container.reports, container.report_count}; names.count > 0;) {
    size_t size;
    (void)read_small_file(container.cgroup.get(), names.next().data, content, sizeof content, &size);
    writer.text(Text{content, static_cast<uint32_t>(size)});
  }
  container.contents = static_cast<uint8_t*>(realloc(contents, writer.size()));
  container.content_count = container.report_count;
}

// What lives on will use more; the last figures are those after its end.
void forget_reports(Container& container) {
  free(container.contents);
  container.contents = nullptr;
  container.content_count = 0;
}

inline constexpr uint8_t kTypeDirectory = 4;

Status remove_tree(int parent, const char* name, int depth);

// A container with a writable cgroup may have made cgroups in it.
Status remove_children(int parent, const char* name, int depth) {
  UniqueFd directory;
  TSRUN_TRY(take(sys::call<SYS_openat>(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), &directory));
  alignas(8) char buffer[4096];
  for (;;) {
    sys::Outcome read = sys::call<SYS_getdents64>(directory.get(), buffer, sizeof buffer);
    if (!read.ok() || read.value == 0) return read.status();
    for (long at = 0; at < read.value;) {
      auto* entry = reinterpret_cast<DirectoryEntry*>(buffer + at);
      at += entry->size;
      if (entry->type != kTypeDirectory || is_dots(entry->name)) continue;
      TSRUN_TRY(remove_tree(directory.get(), entry->name, depth + 1));
    }
  }
}

Status remove_tree(int parent, const char* name, int depth) {
  Status removed = sys::call<SYS_unlinkat>(parent, name, AT_REMOVEDIR).status();
  if (removed.error != EBUSY || depth == kMaxDepth) return removed;
  TSRUN_TRY(remove_children(parent, name, depth));
  return sys::call<SYS_unlinkat>(parent, name, AT_REMOVEDIR).status();
}

Status write_exit(int folder, const Container& container, bool with_reports) {
  UniqueFd file;
  TSRUN_TRY(take(sys::call<SYS_openat>(folder, "exit.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600), &file));
  static uint8_t buffer[kMaxExit];
  Writer writer(buffer, sizeof buffer);
  EventExited event{};
  event.status = container.status;
  event.killed = container.killed;
  event.started_ns = container.started_ns;
  event.ended_ns = container.ended_ns;
  event.user_us = container.user_us;
  event.system_us = container.system_us;
  event.max_rss_bytes = container.max_rss_bytes;
  if (with_reports) {
    event.reports = Texts{container.reports, container.report_count};
    event.contents = Texts{container.contents, container.content_count};
  }
  encode(writer, event);
  if (writer.overflow()) return Status{SYS_write, E2BIG};
  TSRUN_TRY(write_all(file.get(), buffer, writer.size()));
  return sys::call<SYS_renameat2>(folder, "exit.new", folder, "exit", 0).status();
}

// Whole or not at all; where there is no room for the figures, without them.
Status note_exit(const Container& container) {
  UniqueFd folder;
  TSRUN_TRY(take(sys::call<SYS_openat>(container.state.parent_fd, container.state.name, O_PATH | O_CLOEXEC), &folder));
  if (write_exit(folder.get(), container, true).ok()) return kOk;
  return write_exit(folder.get(), container, false);
}

}  // namespace

Status remove_container_cgroup(Container& container) {
  MadeFolder& folder = container.cgroup_folder;
  if (!folder.made()) return kOk;
  if (container.pidfd.valid()) read_reports(container);
  Status removed = remove_tree(folder.parent_fd, folder.name, 0);
  if (removed.ok() || removed.error == ENOENT) folder = MadeFolder{};
  if (removed.error == EBUSY) forget_reports(container);
  return removed;
}

Status end_record(Container& container) {
  // With the record goes the only trace of a cgroup that could not be removed; `gc` tries again.
  if (container.cgroup_folder.made()) return kOk;
  // A record without an end would say for ever that it runs.
  if (container.keep_record && container.failure.ok() && note_exit(container).ok()) return kOk;
  // Without its record a folder is empty, so that `gc` may remove one that was left like this.
  TSRUN_TRY(remove_flat_folder(container.state, "state.json"));
  container.state = MadeFolder{};
  return kOk;
}

}  // namespace tsrun
