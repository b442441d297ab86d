#include "launcher/watch.h"

#include <sys/epoll.h>

namespace tsrun {

Status Loop::open() {
  sys::Outcome created = sys::call<SYS_epoll_create1>(EPOLL_CLOEXEC);
  epoll_ = created.fd();
  return created.status();
}

Status Loop::add(Watch* watch, int fd, uint32_t events, Watch::Handler handler, void* owner) {
  *watch = Watch{handler, owner, fd};
  epoll_event event{};
  event.events = events;
  event.data.ptr = watch;
  Status added = sys::call<SYS_epoll_ctl>(epoll_, EPOLL_CTL_ADD, fd, &event).status();
  if (!added.ok()) watch->fd = -1;
  return added;
}

Status Loop::change(Watch* watch, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = watch;
  return sys::call<SYS_epoll_ctl>(epoll_, EPOLL_CTL_MOD, watch->fd, &event).status();
}

void Loop::remove(Watch* watch) {
  if (watch->fd < 0) return;
  // What stayed would be told of with a Watch that is gone: children hold copies of the descriptor, so that closing it takes nothing away.
  // The kernel allocates nothing for this (fs/eventpoll.c), so that a failure is no reason to give up.
  for (int tries = 0; tries < 3 && !sys::call<SYS_epoll_ctl>(epoll_, EPOLL_CTL_DEL, watch->fd, 0).status().ok(); ++tries) continue;
  watch->fd = -1;
  for (int index = 0; index < ready_count_; ++index) {
    if (ready_[index] == watch) ready_[index] = nullptr;
  }
}

Status Loop::turn() {
  epoll_event events[kBatch];
  sys::Outcome waited = sys::call<SYS_epoll_pwait>(epoll_, events, kBatch, -1, 0, 0);
  if (!waited.ok()) return waited.status();
  ready_count_ = static_cast<int>(waited.value);
  for (int index = 0; index < ready_count_; ++index) ready_[index] = static_cast<Watch*>(events[index].data.ptr);
  for (int index = 0; index < ready_count_; ++index) {
    Watch* watch = ready_[index];
    if (watch != nullptr) watch->handler(watch->owner, events[index].events);
  }
  ready_count_ = 0;
  return kOk;
}

}  // namespace tsrun
