// Sockets that begin to listen, told by the kernel: one program (BPF_PROG_TYPE_SOCK_OPS) on the cgroups of those containers whose
// owner asks for it, and one ring for what it has to say, whatever the number of containers. A program on the cgroup above them
// would see the containers of other launchers, cost every connection of those that are watched no longer, and outlive its
// launcher.
#ifndef TSRUN_LAUNCHER_LISTEN_EVENTS_H_
#define TSRUN_LAUNCHER_LISTEN_EVENTS_H_

#include "launcher/container.h"

namespace tsrun {

class ListenEvents {
 public:
  explicit ListenEvents(Launcher& launcher) : launcher_(launcher) {}

  // Its owner hears of each from now on, and whether some could not be told.
  Status begin(Container& container);
  void end(Container& container);

 private:
  struct Listening;

  Status open();
  Status map_ring();
  Status load();
  void drain();
  void report(const Listening& listening);
  void report_losses();
  bool may_tell(Container& container);

  Launcher& launcher_;
  Watch watch_;
  UniqueFd ring_;
  UniqueFd losses_;
  UniqueFd program_;
  uint64_t* consumed_ = nullptr;
  const uint64_t* produced_ = nullptr;
  const uint8_t* records_ = nullptr;
  uint64_t known_losses_ = 0;
};

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_LISTEN_EVENTS_H_
