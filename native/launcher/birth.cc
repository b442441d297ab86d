#include "launcher/birth.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "launcher/channel.h"
#include "launcher/launcher.h"
#include "sys/process.h"

namespace tsrun {
namespace {

struct Order {
  const StepClone& step;
  const Slots& slots;
  const Newborn& newborn;
  int proc;  // the launcher's own procfs, also from inside a mount namespace that was joined
};

// Enters what the child is to be born into. Namespaces are joined before the child has a user namespace of its own: with
// one it would have no right to join what the host owns.
Status enter_birth_place(const Order& order, uint64_t* entered) {
  const StepClone& step = order.step;
  if (step.joins.count != step.join_kinds.count) return Status{0, EBADMSG};
  for (uint32_t index = 0; index < step.joins.count; ++index) {
    uint32_t kind = step.join_kinds[index];
    TSRUN_TRY(sys::call<SYS_setns>(order.slots.get(step.joins[index]), kind).status());
    *entered |= kind;
  }
  if (step.time_offsets.empty()) return kOk;
  // Offsets can be written only while no process is in the new time namespace (time_namespaces(7)).
  TSRUN_TRY(sys::call<SYS_unshare>(CLONE_NEWTIME).status());
  *entered |= CLONE_NEWTIME;
  return write_file_at(order.proc, "self/timens_offsets", step.time_offsets.data, step.time_offsets.size);
}

Status clone_here(const Order& order, Birth* birth) {
  int pid_fd = -1;
  sys::Outcome pid = clone_process(order.step.flags, order.slots.get(order.step.cgroup), &pid_fd);
  if (!pid.ok()) return pid.status();
  if (pid.value == 0) order.newborn.live(order.newborn.argument);
  birth->pid = pid.fd();
  birth->pidfd.reset(pid_fd);
  return kOk;
}

// ---- with a midwife ------------------------------------------------------------------------------------------------
// Some places cannot be left again (a user namespace), so a process in between goes there, gives birth to a child of the
// launcher (CLONE_PARENT), and ends. It is born into the cgroup itself: from inside a user namespace it could not put a
// child there. So it is killed and frozen with the container, at any moment.

// It needs a millisecond of its cgroup's time, and everybody waits for it.
constexpr int kMostForMidwife = 2000;

// Where the child's pid is found when the midwife did not live to tell it: an unreaped child of the launcher would hold up
// the end of the container's pid 1 for ever (zap_pid_ns_processes). The page is shared with the midwife.
class BirthRegister {
 public:
  Status open() {
    sys::Outcome mapped = sys::call<SYS_mmap>(0L, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0L);
    if (mapped.ok()) pid_ = static_cast<int*>(mapped.pointer());
    return mapped.status();
  }
  ~BirthRegister() {
    if (pid_ != nullptr) (void)sys::call<SYS_munmap>(pid_, kSize);
  }
  int* pid() const { return pid_; }

 private:
  static constexpr size_t kSize = 4096;

  int* pid_ = nullptr;
};

struct Midwife {
  UniqueFd process;
  UniqueFd channel;
  UniqueFd place;  // of the pidfd that is to come: with no room for it, it would be lost on the way
  BirthRegister births;
};

Status bear_sibling(const Order& order, int to_launcher, int* child) {
  uint64_t entered = 0;
  TSRUN_TRY(enter_birth_place(order, &entered));
  int pid_fd = -1;
  sys::Outcome pid = clone_sibling(order.step.flags, &pid_fd, child);
  if (!pid.ok()) return pid.status();
  if (pid.value == 0) {
    // The launcher would wait for a midwife that was killed as long as somebody else holds its end.
    close_fd(to_launcher);
    order.newborn.live(order.newborn.argument);
  }
  return send_word_with(to_launcher, ChannelMessage{ChannelWord::kBorn, static_cast<uint32_t>(pid.value), kOk}, pid_fd);
}

[[noreturn]] void be_midwife(const Order& order, int to_launcher, int* child) {
  Status status = bear_sibling(order, to_launcher, child);
  if (!status.ok()) (void)send_word(to_launcher, ChannelMessage{ChannelWord::kFailed, 0, status});
  sys::end_process(0);
}

// Until it said something, or ended without a word. False: neither came in time.
bool await_midwife(const Midwife& midwife) {
  pollfd awaited[] = {{midwife.channel.get(), POLLIN, 0}, {midwife.process.get(), POLLIN, 0}};
  timespec most{kMostForMidwife / 1000, 0};
  return sys::call<SYS_ppoll>(awaited, 2, &most, 0, 0).value > 0;
}

Status hear_of_birth(Midwife& midwife, Birth* birth) {
  bool in_time = await_midwife(midwife);
  if (!in_time) {
    (void)send_signal(midwife.process.get(), SIGKILL);
    (void)await_midwife(midwife);
  }
  midwife.place.reset();
  ChannelMessage message;
  if (!receive_word(midwife.channel.get(), Patience::kNone, &message, &birth->pidfd)) {
    return Status{SYS_clone3, in_time ? ECHILD : ETIMEDOUT};
  }
  return message.word == ChannelWord::kFailed ? message.status : kOk;
}

// The pidfd of a child that the midwife was not there to hand over. It is not reaped yet, so its pid is no other's.
Status find_child(Birth* birth) {
  Status opened = take(sys::call<SYS_pidfd_open>(birth->pid, 0), &birth->pidfd);
  if (opened.ok()) return kOk;
  siginfo_t info;
  (void)sys::call<SYS_kill>(birth->pid, SIGKILL);
  (void)sys::call<SYS_waitid>(P_PID, birth->pid, &info, kWaitExited | kWaitForAnyClone, 0);
  return opened;
}

Status make_midwife(const Order& order, Midwife* midwife) {
  UniqueFd theirs;
  TSRUN_TRY(midwife->births.open());
  TSRUN_TRY(make_channel(&midwife->channel, &theirs));
  TSRUN_TRY(take(sys::call<SYS_fcntl>(theirs.get(), F_DUPFD_CLOEXEC, 3), &midwife->place));
  int pid_fd = -1;
  sys::Outcome pid = clone_process(0, order.slots.get(order.step.cgroup), &pid_fd);
  if (!pid.ok()) return pid.status();
  if (pid.value == 0) {
    midwife->channel.reset();
    midwife->place.reset();
    be_midwife(order, theirs.get(), midwife->births.pid());
  }
  midwife->process.reset(pid_fd);
  return kOk;
}

// Who is born into a frozen cgroup stands still, before it could say a word (cgroup-v2.rst, cgroup.freeze).
bool is_frozen(int cgroup) {
  UniqueFd file;
  char events[128];
  if (!take(sys::call<SYS_openat>(cgroup, "cgroup.events", O_RDONLY | O_CLOEXEC), &file).ok()) return false;
  sys::Outcome read = sys::call<SYS_read>(file.get(), events, sizeof events - 1);
  if (!read.ok()) return false;
  events[read.value] = 0;
  return strstr(events, "frozen 1") != nullptr;
}

Status clone_by_midwife(const Order& order, Birth* birth) {
  if (is_frozen(order.slots.get(order.step.cgroup))) return Status{SYS_clone3, ECANCELED};
  Midwife midwife;
  TSRUN_TRY(make_midwife(order, &midwife));
  Status status = hear_of_birth(midwife, birth);
  birth->midwife = static_cast<UniqueFd&&>(midwife.process);
  birth->pid = *midwife.births.pid();
  if (birth->pidfd.valid() || birth->pid == 0) return status;
  TSRUN_TRY(find_child(birth));
  return status;
}

}  // namespace

Status give_birth(LauncherContext& context, const Newborn& newborn, Birth* birth) {
  Order order{context.clone, context.slots, newborn, context.home.proc()};
  if (order.step.midwife) return clone_by_midwife(order, birth);
  uint64_t entered = 0;
  Status status = enter_birth_place(order, &entered);
  if (status.ok()) status = clone_here(order, birth);
  context.container.launcher->own.return_to(entered);
  return status;
}

}  // namespace tsrun
