// What the launcher knows of one container, or of one process that was executed in one.
#ifndef TSRUN_LAUNCHER_CONTAINER_H_
#define TSRUN_LAUNCHER_CONTAINER_H_

#include <stdint.h>

#include "launcher/watch.h"
#include "plan/slots.h"
#include "sys/fd.h"
#include "sys/step_clock.h"

namespace tsrun {

struct Client;
struct Launcher;
struct Container;

inline constexpr uint32_t kMaxHandedOver = 8;
inline constexpr uint32_t kMaxName = 256;

// A folder that a step made, by its parent's descriptor, so that it can be removed from any mount namespace.
struct MadeFolder {
  int parent_fd = -1;  // kept by ParentFolders as long as a container says so
  char name[kMaxName] = "";

  bool made() const { return parent_fd >= 0; }
};

enum class Phase : uint8_t {
  kStarting,  // the first process is doing its steps, and is to execute the program
  kCreated,   // it waits for `start`
  kRunning,   // the program was executed
  kEnding,    // the first process is gone; its cgroup is not yet empty
};

// A client that is not the owner and wants to hear of the end.
struct Watcher {
  Watcher* next = nullptr;
  Client* client = nullptr;
  uint32_t handle = 0;
};

struct CgroupWatch {
  CgroupWatch* next = nullptr;
  Container* container = nullptr;
  Watch watch;
  UniqueFd file;
  bool missed = false;  // a change of which the owner was not told: it did not read
  char name[64] = "";
};

struct Container {
  Container* next = nullptr;
  uint32_t handle = 0;
  Launcher* launcher = nullptr;
  Client* owner = nullptr;
  char id[kMaxName] = "";
  Phase phase = Phase::kStarting;
  bool survive = false;
  bool keep_record = false;
  bool release_at_start = false;
  bool announced = false;  // the client was told that it runs
  bool awaits_client = false;  // its first process waits for `proceed`
  int pid = 0;
  Status failure;
  uint32_t failed_step = 0;
  uint32_t last_step = 0;  // the one that executes
  uint64_t started_ns = 0;
  StepClock clock;
  UniqueFd pidfd;
  UniqueFd channel;
  UniqueFd cgroup;
  // Of a process that enters last (launcher/entry.cc), until who bears it has ended.
  UniqueFd entry_births;
  UniqueFd entry_channel;
  Watch pidfd_watch;
  Watch channel_watch;
  Watch empty_watch;
  UniqueFd empty_events;  // cgroup.events while ending
  Watch newcomers_watch;
  UniqueFd newcomers_timer;  // likewise
  MadeFolder state;
  MadeFolder cgroup_folder;
  MadeFolder upper;  // on disk; it goes with the record
  uint32_t upper_project = 0;
  uint8_t* reports = nullptr;  // texts in wire form: cgroup files to read before the end
  uint32_t report_count = 0;
  uint8_t* contents = nullptr;  // what was read of them, in wire form
  uint32_t content_count = 0;
  int handed_over[kMaxHandedOver];
  uint32_t handed_over_count = 0;
  UniqueFd kept_mount;  // let go of after the end was told
  UniqueFd kept_mounts;  // likewise: its mount namespace
  UniqueFd kept_upper;  // likewise: in memory, for who asks what was written
  UniqueFd input;     // writing end of its standard input, while clients may attach
  UniqueFd terminal;  // master of its terminal, likewise
  bool logs_terminal = false;
  uint64_t terminal_log_bytes = 0;
  uint64_t logged_breaks = 0;  // line feeds that ever stood in its log
  UniqueFd terminal_forward;
  Watcher* watchers = nullptr;
  CgroupWatch* watches = nullptr;
  // While its owner is told of sockets that listen (ListenEvents).
  uint64_t listen_network = 0;
  uint32_t listens_told = 0;
  uint32_t status = 0;
  bool killed = false;  // SIGKILL was sent for a client
  uint64_t ended_ns = 0;
  uint64_t user_us = 0;
  uint64_t system_us = 0;
  uint64_t max_rss_bytes = 0;
};

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_CONTAINER_H_
