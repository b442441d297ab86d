// What the launcher hears of a container: that its program runs, that a step failed, that it ended.
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

#include "launcher/cgroup_watch.h"
#include "launcher/channel.h"
#include "launcher/entry.h"
#include "launcher/output.h"
#include "launcher/requests.h"
#include "launcher/uppers.h"
#include "sys/memory.h"
#include "sys/process.h"

namespace tsrun {
namespace {

void close_handed_over(Container& container) {
  while (container.handed_over_count > 0) close_fd(container.handed_over[--container.handed_over_count]);
}

void announce(Container& container, bool created) {
  if (!created) {
    container.clock.note(container.last_step);
    container.clock.close();
  }
  // What was handed over with the first word does not come again.
  if (container.announced || container.owner == nullptr) close_handed_over(container);
  container.announced = true;
  if (container.owner == nullptr) return;
  EventStarted event{};
  event.container = container.handle;
  event.pid = static_cast<uint32_t>(container.pid);
  event.created = created;
  event.descriptors = container.handed_over_count;
  (void)send_event(*container.owner, event, container.handed_over, container.handed_over_count);
  container.handed_over_count = 0;
}

void close_channel(Container& container) {
  container.launcher->loop.remove(&container.channel_watch);
  container.channel.reset();
}

// The client gets the master; where output is kept, the launcher reads it and the client gets what is passed on.
Status take_terminal(Container& container, UniqueFd master) {
  // It did not fit into the launcher's table of descriptors, and so was closed on the way (unix(7)).
  if (!master.valid() || container.handed_over_count == kMaxHandedOver) return Status{SYS_recvmsg, EMFILE};
  if (container.logs_terminal) {
    UniqueFd source;
    TSRUN_TRY(take(sys::call<SYS_fcntl>(master.get(), F_DUPFD_CLOEXEC, 3), &source));
    TSRUN_TRY(take(sys::call<SYS_fcntl>(master.get(), F_DUPFD_CLOEXEC, 3), &container.terminal));
    TSRUN_TRY(keep_output(container, static_cast<UniqueFd&&>(source), 0, static_cast<UniqueFd&&>(container.terminal_forward),
                          container.terminal_log_bytes));
  }
  container.handed_over[container.handed_over_count++] = master.release();
  return kOk;
}

void tell_reached(Container& container, uint32_t step, UniqueFd descriptor) {
  container.awaits_client = !descriptor.valid();
  if (container.owner == nullptr) return;
  EventReached event{};
  event.container = container.handle;
  event.step = step;
  event.pid = static_cast<uint32_t>(container.pid);
  event.descriptors = descriptor.valid() ? 1 : 0;
  int fd = descriptor.release();
  (void)send_event(*container.owner, event, &fd, event.descriptors);
}

void fail_start(Container& container, uint32_t step, Status status) {
  container.failure = status;
  container.failed_step = step;
}

// The channel's end is closed by execve and by death alike; which of the two it was, the kernel knows. A zombie still has
// its flags. (proc_pid_stat(5); PF_FORKNOEXEC is cleared before descriptors are closed.)
bool has_executed(int pid) {
  constexpr uint64_t kForkedWithoutExec = 0x40;
  constexpr int kFlags = 6;
  uint64_t flags;
  return !stat_field(pid, kFlags, &flags) || (flags & kForkedWithoutExec) == 0;
}

// A process that could not execute the program said so before, or was killed on the way: process_ended tells.
void channel_ready(void* owner, uint32_t) {
  auto& container = *static_cast<Container*>(owner);
  ChannelMessage message;
  UniqueFd descriptor;
  if (!receive_word(container.channel.get(), Patience::kNone, &message, &descriptor)) {
    close_channel(container);
    if (has_yet_to_enter(container) || !container.failure.ok() || !has_executed(container.pid)) return;
    container.phase = Phase::kRunning;
    announce(container, false);
    return;
  }
  if (message.word == ChannelWord::kFailed || message.word == ChannelWord::kNoProgram) {
    fail_start(container, message.word == ChannelWord::kFailed ? message.step : container.last_step, message.status);
  } else if (message.word == ChannelWord::kTerminal) {
    Status taken = take_terminal(container, static_cast<UniqueFd&&>(descriptor));
    if (taken.ok()) return;
    fail_start(container, message.step, taken);
    kill_container(container);
  } else if (message.word == ChannelWord::kReached) {
    tell_reached(container, message.step, static_cast<UniqueFd&&>(descriptor));
  } else if (message.word == ChannelWord::kCreated && !container.announced && container.failure.ok()) {
    container.phase = Phase::kCreated;
    announce(container, true);
  } else if (message.word == ChannelWord::kRuns && container.failure.ok()) {
    container.phase = Phase::kRunning;
    announce(container, false);
    // The program may get hold of the reaper's end. Nothing is heard of it any more but one last word.
    container.launcher->loop.remove(&container.channel_watch);
  }
}

void hear_last_words(Container& container) {
  while (container.channel.valid() && container.phase != Phase::kRunning) channel_ready(&container, 0);
}

// Of the program under a reaper, whose own exit code cannot tell a signal from an exit. What a program writes here in the
// reaper's place is what it could have exited with.
void take_program_end(Container& container) {
  ChannelMessage message;
  UniqueFd unwanted;
  if (!container.channel.valid()) return;
  bool told = receive_word(container.channel.get(), Patience::kNone, &message, &unwanted) && message.word == ChannelWord::kEnded;
  close_channel(container);
  constexpr uint32_t kCodeAndSignal = 0xff7f;
  if (told) container.status = message.step & kCodeAndSignal;
}

// False when it is not there to be reaped yet.
bool take_exit(Container& container) {
  siginfo_t info;
  rusage usage{};
  Status reaped = reap_process(container.pidfd.get(), &info, &usage);
  if (reaped.ok() && info.si_pid == 0) return false;
  container.ended_ns = monotonic_ns();
  if (!reaped.ok()) return true;
  bool exited = info.si_code == CLD_EXITED;
  // As wait(2) has it: exit code in the second byte, signal in the first.
  container.status = static_cast<uint32_t>(exited ? info.si_status << 8 : info.si_status);
  container.user_us = static_cast<uint64_t>(usage.ru_utime.tv_sec) * 1000000 + static_cast<uint64_t>(usage.ru_utime.tv_usec);
  container.system_us = static_cast<uint64_t>(usage.ru_stime.tv_sec) * 1000000 + static_cast<uint64_t>(usage.ru_stime.tv_usec);
  container.max_rss_bytes = static_cast<uint64_t>(usage.ru_maxrss) * 1024;
  return true;
}

// Killed on its way to execve, without a word. One that was never told to start ends like any other.
void judge_early_death(Container& container) {
  if (container.phase != Phase::kStarting || !container.failure.ok()) return;
  auto signal = static_cast<int32_t>(container.status & 0x7f);
  container.failure = Status{SYS_execve, signal == 0 ? ECHILD : -signal};
  container.failed_step = container.last_step;
}

void cgroup_changed(void* owner, uint32_t) {
  auto& container = *static_cast<Container*>(owner);
  char content[256];
  // The next change is seen against what was read last (poll of kernfs); unread, this one would be told again and again.
  (void)sys::call<SYS_pread64>(container.empty_events.get(), content, sizeof content, 0);
  if (remove_container_cgroup(container).error == EBUSY) return kill_container(container);
  finish_container(container);
}

void newcomers_due(void* owner, uint32_t) {
  uint64_t times;
  (void)sys::call<SYS_read>(static_cast<Container*>(owner)->newcomers_timer.get(), &times, sizeof times);
  cgroup_changed(owner, 0);
}

// Who comes in while the others are dying is not killed with them, and the kernel tells nothing of it: they are looked for.
void await_newcomers(Container& container) {
  constexpr timespec kPeriod{0, 50'000'000};
  constexpr itimerspec kEachPeriod{kPeriod, kPeriod};
  UniqueFd& timer = container.newcomers_timer;
  if (!take(sys::call<SYS_timerfd_create>(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), &timer).ok()) return;
  (void)sys::call<SYS_timerfd_settime>(timer.get(), 0, &kEachPeriod, 0);
  (void)container.launcher->loop.add(&container.newcomers_watch, timer.get(), EPOLLIN, newcomers_due, &container);
}

// Processes are left in the cgroup (no pid namespace of its own): kill them and wait for the kernel to say it is empty.
void await_empty(Container& container) {
  Launcher& launcher = *container.launcher;
  char content[256];
  size_t size;
  Status opened =
      take(sys::call<SYS_openat>(container.cgroup.get(), "cgroup.events", O_RDONLY | O_CLOEXEC), &container.empty_events);
  if (opened.ok()) {
    (void)sys::call<SYS_pread64>(container.empty_events.get(), content, sizeof content, 0);
    opened = launcher.loop.add(&container.empty_watch, container.empty_events.get(), EPOLLPRI, cgroup_changed, &container);
  }
  kill_container(container);
  // It may have become empty between the two.
  (void)read_small_file(container.cgroup.get(), "cgroup.events", content, sizeof content, &size);
  bool empty = strstr(content, "populated 0") != nullptr;
  if (!opened.ok() || empty) {
    (void)remove_container_cgroup(container);
    return finish_container(container);
  }
  await_newcomers(container);
}

// What runs and is to be released is nobody's here any more, even when it has ended: its next parent reaps a zombie.
bool release_running(Container& container) {
  if (!container.release_at_start || container.phase != Phase::kRunning) return false;
  release_container(container);
  return true;
}

void channel_changed(void* owner, uint32_t events) {
  channel_ready(owner, events);
  (void)release_running(*static_cast<Container*>(owner));
}

void process_ended(void* owner, uint32_t) {
  auto& container = *static_cast<Container*>(owner);
  hear_last_words(container);
  if (release_running(container)) return;
  if (!take_exit(container)) return;
  container.launcher->loop.remove(&container.pidfd_watch);
  if (has_yet_to_enter(container)) {
    close_channel(container);
    if (follow_entry(container)) return;
    hear_last_words(container);
  }
  take_program_end(container);
  judge_early_death(container);
  container.phase = Phase::kEnding;
  end_cgroup_watches(container.launcher->loop, container);
  if (remove_container_cgroup(container).error == EBUSY) return await_empty(container);
  finish_container(container);
}

void tell_end(const Container& container, Client* client, uint32_t handle) {
  if (client == nullptr) return;
  if (!container.failure.ok()) {
    EventFailed event{};
    event.container = handle;
    event.step = container.failed_step;
    event.syscall = container.failure.syscall;
    event.error = container.failure.error;
    (void)send_event(*client, event);
    return;
  }
  EventExited event{};
  event.container = handle;
  event.status = container.status;
  event.killed = container.killed;
  event.started_ns = container.started_ns;
  event.ended_ns = container.ended_ns;
  event.user_us = container.user_us;
  event.system_us = container.system_us;
  event.max_rss_bytes = container.max_rss_bytes;
  event.reports = Texts{container.reports, container.report_count};
  event.contents = Texts{container.contents, container.content_count};
  if (send_event(*client, event)) return;
  // Too much to tell at once: that it ended is what somebody waits for.
  event.reports = Texts{};
  event.contents = Texts{};
  (void)send_event(*client, event);
}

bool watches(const Container& container, const Client& client, uint32_t handle) {
  for (const Watcher* each = container.watchers; each != nullptr; each = each->next) {
    if (each->client == &client && each->handle == handle) return true;
  }
  return false;
}

void tell_everybody(Container& container) {
  tell_end(container, container.owner, container.handle);
  while (container.watchers != nullptr) {
    Watcher* watcher = container.watchers;
    container.watchers = watcher->next;
    tell_end(container, watcher->client, watcher->handle);
    destroy(watcher);
  }
}

}  // namespace

Container* find_by_id(Launcher& launcher, Text id) {
  for (Container* each = launcher.containers; each != nullptr; each = each->next) {
    if (strcmp(each->id, id.data) == 0 && each->announced) return each;
  }
  return nullptr;
}

Container* find_known(Client& client, uint32_t handle) {
  for (Container* each = client.launcher->containers; each != nullptr; each = each->next) {
    if ((each->owner == &client && each->handle == handle) || watches(*each, client, handle)) return each;
  }
  return nullptr;
}

Status watch_container(Container& container) {
  Loop& loop = container.launcher->loop;
  TSRUN_TRY(loop.add(&container.channel_watch, container.channel.get(), EPOLLIN, channel_changed, &container));
  Status added = loop.add(&container.pidfd_watch, container.pidfd.get(), kProcessEnd, process_ended, &container);
  // Both or none: who tries again adds both.
  if (!added.ok()) loop.remove(&container.channel_watch);
  return added;
}

void kill_container(Container& container) {
  if (container.cgroup.valid() && write_file_at(container.cgroup.get(), "cgroup.kill", "1", 1).ok()) return;
  if (container.pidfd.valid()) (void)send_signal(container.pidfd.get(), SIGKILL);
}

void kill_for_client(Container& container) {
  container.killed = true;
  kill_container(container);
}

void finish_container(Container& container) {
  Launcher& launcher = *container.launcher;
  launcher.loop.remove(&container.channel_watch);
  launcher.loop.remove(&container.pidfd_watch);
  launcher.loop.remove(&container.empty_watch);
  launcher.loop.remove(&container.newcomers_watch);
  end_cgroup_watches(launcher.loop, container);
  if (container.cgroup_folder.made()) (void)remove_container_cgroup(container);
  drain_outputs(container);
  if (container.state.made()) (void)end_record(container);
  if (container.upper.made() && !container.state.made()) remove_upper(container);
  leave_outputs(container);
  tell_everybody(container);
  forget_container(container);
}

void release_container(Container& container) {
  container.launcher->listen_events.end(container);
  leave_outputs(container);
  forget_container(container);
}

void forget_container(Container& container) {
  Launcher& launcher = *container.launcher;
  launcher.loop.remove(&container.channel_watch);
  launcher.loop.remove(&container.pidfd_watch);
  end_cgroup_watches(launcher.loop, container);
  let_go_of_memory(container);
  close_handed_over(container);
  for (Container** at = &launcher.containers; *at != nullptr; at = &(*at)->next) {
    if (*at == &container) {
      *at = container.next;
      break;
    }
  }
  free(container.reports);
  free(container.contents);
  destroy(&container);
}

void abandon_containers_of(Client& client) {
  for (Container* each = client.launcher->containers; each != nullptr; each = each->next) {
    for (Watcher** at = &each->watchers; *at != nullptr;) {
      Watcher* watcher = *at;
      if (watcher->client != &client) {
        at = &watcher->next;
        continue;
      }
      *at = watcher->next;
      destroy(watcher);
    }
    if (each->owner != &client) continue;
    client.launcher->listen_events.end(*each);
    each->owner = nullptr;
    // Nobody else does what it waits for.
    if (!each->survive || each->awaits_client) kill_for_client(*each);
  }
}

}  // namespace tsrun
