// The launcher's one epoll: everything it waits for is a Watch whose function is called when its descriptor is ready.
#ifndef TSRUN_LAUNCHER_WATCH_H_
#define TSRUN_LAUNCHER_WATCH_H_

#include <stdint.h>

#include "sys/call.h"

namespace tsrun {

struct Watch {
  using Handler = void (*)(void* owner, uint32_t events);

  Handler handler = nullptr;
  void* owner = nullptr;
  int fd = -1;
};

class Loop {
 public:
  Status open();
  // A watch that could not be added has no descriptor.
  Status add(Watch* watch, int fd, uint32_t events, Watch::Handler handler, void* owner);
  // Needs no memory, and so cannot fail for want of any (ep_modify of the kernel).
  Status change(Watch* watch, uint32_t events);
  void remove(Watch* watch);
  // Waits once and calls the handlers of what is ready.
  Status turn();

 private:
  static constexpr int kBatch = 64;

  int epoll_ = -1;
  // Watches that are ready in this turn; one that is removed meanwhile is struck out, so no handler runs on freed memory.
  Watch* ready_[kBatch] = {};
  int ready_count_ = 0;
};

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_WATCH_H_
