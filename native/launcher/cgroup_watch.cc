#include "launcher/cgroup_watch.h"

#include <sys/epoll.h>

#include "launcher/client.h"
#include "launcher/launcher.h"
#include "sys/memory.h"
#include "sys/without_resource.h"

namespace tsrun {
namespace {

// A client that does not read is told of the last of many changes only, when it does.
void report(CgroupWatch& watch) {
  char content[2048];
  size_t size;
  if (!read_again(watch.file.get(), content, sizeof content, &size).ok()) return;
  Client* owner = watch.container->owner;
  if (owner == nullptr) return;
  watch.missed = owner->unsent != nullptr;
  if (watch.missed) {
    owner->missed_changes = true;
    return;
  }
  EventCgroupChanged event{};
  event.container = watch.container->handle;
  event.file = Text{watch.name, static_cast<uint32_t>(strlen(watch.name))};
  event.content = Text{content, static_cast<uint32_t>(size)};
  (void)send_event(*owner, event);
}

void changed(void* owner, uint32_t) { report(*static_cast<CgroupWatch*>(owner)); }

Status make_watch(Container& container, Text name, CgroupWatch** made) {
  if (name.size >= sizeof CgroupWatch::name) return Status{SYS_openat, ENAMETOOLONG};
  auto* watch = make<CgroupWatch>();
  if (watch == nullptr) return Status{SYS_brk, ENOMEM};
  watch->container = &container;
  watch->next = container.watches;
  container.watches = watch;
  memcpy(watch->name, name.data, name.size);
  *made = watch;
  return kOk;
}

// Whoever opens the file with CAP_SYS_RESOURCE has the kernel start a thread for each trigger; without it kernels before 6.5 refuse.
Status open_pressure(int cgroup, Text name, Text trigger, bool drop_resource, UniqueFd* into) {
  WithoutResource without(drop_resource);
  TSRUN_TRY(take(sys::call<SYS_openat>(cgroup, name.data, O_RDWR | O_CLOEXEC | O_NONBLOCK), into));
  return sys::call<SYS_write>(into->get(), trigger.data, trigger.size + 1).status();
}

}  // namespace

Status watch_pressure(Loop& loop, Container& container, int cgroup, Text name, Text trigger) {
  CgroupWatch* watch;
  TSRUN_TRY(make_watch(container, name, &watch));
  if (!open_pressure(cgroup, name, trigger, true, &watch->file).ok()) TSRUN_TRY(open_pressure(cgroup, name, trigger, false, &watch->file));
  return loop.add(&watch->watch, watch->file.get(), EPOLLPRI, changed, watch);
}

Status watch_cgroup_file(Loop& loop, Container& container, int cgroup, Text name) {
  CgroupWatch* watch;
  TSRUN_TRY(make_watch(container, name, &watch));
  TSRUN_TRY(take(sys::call<SYS_openat>(cgroup, name.data, O_RDONLY | O_CLOEXEC), &watch->file));
  // Reading once arms the file: without it the first wait returns at once.
  char content[2048];
  size_t size;
  TSRUN_TRY(read_again(watch->file.get(), content, sizeof content, &size));
  return loop.add(&watch->watch, watch->file.get(), EPOLLPRI, changed, watch);
}

void report_missed_changes(Client& client) {
  client.missed_changes = false;
  for (Container* each = client.launcher->containers; each != nullptr; each = each->next) {
    for (CgroupWatch* watch = each->owner == &client ? each->watches : nullptr; watch != nullptr; watch = watch->next) {
      if (watch->missed) report(*watch);
    }
  }
}

void end_cgroup_watches(Loop& loop, Container& container) {
  while (container.watches != nullptr) {
    CgroupWatch* watch = container.watches;
    container.watches = watch->next;
    loop.remove(&watch->watch);
    destroy(watch);
  }
}

}  // namespace tsrun
