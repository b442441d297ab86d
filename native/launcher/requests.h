// What clients may ask for, and what becomes of containers.
#ifndef TSRUN_LAUNCHER_REQUESTS_H_
#define TSRUN_LAUNCHER_REQUESTS_H_

#include "launcher/client.h"
#include "launcher/launcher.h"

namespace tsrun {

inline constexpr uint32_t kMaxPassed = 253;  // SCM_MAX_FD of the kernel

struct Passed {
  int fds[kMaxPassed];
  uint32_t count = 0;
  bool cut = false;  // some did not fit into the launcher's table

  int take(uint32_t index) {
    int fd = fds[index];
    fds[index] = -1;
    return fd;
  }
  ~Passed() {
    for (uint32_t index = 0; index < count; ++index) {
      if (fds[index] >= 0) close_fd(fds[index]);
    }
  }
};

// requests.cc
void handle_request(Client& client, const uint8_t* data, size_t size, Passed& passed);

// launch.cc
void launch(Client& client, const RequestLaunch& request, Passed& passed);

// lifecycle.cc
// A live container; none while it is still starting.
Container* find_by_id(Launcher& launcher, Text id);
// A container by the handle under which this client owns or watches it.
Container* find_known(Client& client, uint32_t handle);
// Begins to watch a container whose first process was just cloned.
Status watch_container(Container& container);
void kill_container(Container& container);
// The same, noted for the report: what somebody asked for is no want of memory.
void kill_for_client(Container& container);
// Undoes what was made for a container, tells its owner how it ended, and forgets it.
void finish_container(Container& container);
// Without a word, and without touching what was made for it.
void forget_container(Container& container);
// One that goes on, or is reaped, without the launcher.
void release_container(Container& container);
void abandon_containers_of(Client& client);

// ending.cc
// Reads the last figures and removes the cgroup. EBUSY: processes are left in it.
Status remove_container_cgroup(Container& container);
// Removes the record, or adds to it how the container ended.
Status end_record(Container& container);

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_REQUESTS_H_
