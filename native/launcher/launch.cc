// From a plan's bytes to a process that does the plan's second half.
#include <sys/mman.h>

#include "launcher/birth.h"
#include "launcher/channel.h"
#include "launcher/helpers.h"
#include "launcher/requests.h"
#include "steps/child_steps.h"
#include "steps/launcher_steps.h"
#include "sys/memory.h"
#include "sys/process.h"

namespace tsrun {
namespace {

inline constexpr Status kMalformed{0, EBADMSG};
// No plan has so many: what failed was none of its steps.
inline constexpr uint32_t kNoStep = 0xffffffff;

Status write_proc_files(int pid, Texts files, Texts values) {
  if (files.count != values.count) return kMalformed;
  while (files.count > 0) {
    Text file = files.next();
    Text value = values.next();
    TSRUN_TRY(write_proc(pid, file.data, value.data, value.size));
  }
  return kOk;
}

// For other processes that read the state folder; the record itself was written before there was a pid.
void note_pid(const Container& container) {
  if (!container.state.made()) return;
  UniqueFd folder;
  UniqueFd file;
  Decimal number(static_cast<uint64_t>(container.pid));
  if (!take(sys::call<SYS_openat>(container.state.parent_fd, container.state.name, O_PATH | O_CLOEXEC), &folder).ok()) return;
  if (!take(sys::call<SYS_openat>(folder.get(), "pid", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600), &file).ok()) return;
  (void)write_all(file.get(), number.text(), number.size());
}

struct ChildStart {
  LauncherContext& parent;
  const Plan& plan;
  Plan::Walk walk;
  int channel;
};

[[noreturn]] void live(void* argument) {
  auto* start = static_cast<ChildStart*>(argument);
  LauncherContext& parent = start->parent;
  const Launcher& launcher = *parent.container.launcher;
  // The launcher's end: with a copy of it open here the other one would not tell of the launcher's death.
  parent.container.channel.reset();
  bool waits = parent.clone.proc_files.count > 0;
  do_child_steps(start->plan, start->walk, waits,
                 ChildContext{parent.slots, start->channel, launcher.self.get(), launcher.reaper.get(), parent.home.proc(), parent.container.clock, 0, -1, 0, UniqueFd(), Entry()});
}

// Of the one that was launched before it. Where many start at once there is no time to let go of mounts here, one container's after another's:
// as the last process of a namespace ends it does so itself, beside the launcher.
bool others_start(const Container& container) { return container.next != nullptr && container.next->phase == Phase::kStarting; }

Status clone_container(LauncherContext& context, const Plan& plan, const Plan::Walk& walk) {
  Container& container = context.container;
  const StepClone& step = context.clone;
  UniqueFd theirs;
  TSRUN_TRY(context.home.return_home());
  TSRUN_TRY(make_channel(&container.channel, &theirs));
  ChildStart start{context, plan, walk, theirs.get()};
  Birth birth;
  // An ordinary user may write the /proc files of a child only while that is dumpable; it ends that itself.
  bool open_files = container.launcher->rootless && step.proc_files.count > 0;
  if (open_files) TSRUN_TRY(set_dumpable(true));
  Status born = give_birth(context, Newborn{live, &start}, &birth);
  container.pid = birth.pid;
  container.pidfd = static_cast<UniqueFd&&>(birth.pidfd);
  if (birth.midwife.valid()) reap_in_time(context.loop, static_cast<UniqueFd&&>(birth.midwife));
  if (open_files) TSRUN_TRY(set_dumpable(false));
  TSRUN_TRY(born);
  container.survive = step.survive;
  container.started_ns = monotonic_ns();
  if (context.keep_mounts && !others_start(container)) {
    (void)take(sys::call<SYS_openat>(AT_FDCWD, ProcPath(container.pid, "ns/mnt").path(), O_RDONLY | O_CLOEXEC), &container.kept_mounts);
  }
  if (step.proc_files.count == 0) return kOk;
  TSRUN_TRY(write_proc_files(container.pid, step.proc_files, step.proc_values));
  return send_word(container.channel.get(), ChannelMessage{ChannelWord::kProceed, 0, kOk});
}

Status walk_plan(LauncherContext& context, const Plan& plan, uint32_t* index) {
  Plan::Walk walk(plan);
  for (*index = 0; *index < plan.launcher_steps(); ++*index) {
    StepView view = walk.next();
    auto runs = [&context](const auto& step) { return run(context, step); };
    TSRUN_TRY(visit_launcher_step(view.op, view.fields, runs, kMalformed));
    context.container.clock.note(*index);
  }
  --*index;
  return plan.clones() ? clone_container(context, plan, walk) : kOk;
}

// Before there is anything to undo.
void refuse(Client& client, uint32_t handle, Status status) {
  EventFailed event{};
  event.container = handle;
  event.step = kNoStep;
  event.syscall = status.syscall;
  event.error = status.error;
  (void)send_event(client, event);
}

Container* add_container(Client& client, const RequestLaunch& request) {
  auto* container = make<Container>();
  if (container == nullptr) return nullptr;
  Launcher& launcher = *client.launcher;
  container->launcher = &launcher;
  container->owner = &client;
  container->handle = request.container;
  container->release_at_start = request.release_at_start;
  memcpy(container->id, request.id.data, request.id.size);
  container->next = launcher.containers;
  launcher.containers = container;
  return container;
}

// The bytes of a plan: in the message, or in a descriptor when they are too many for one.
class PlanBytes {
 public:
  Status open(const RequestLaunch& request, Passed& passed, uint32_t* first_descriptor) {
    data_ = request.plan.data;
    size_ = request.plan.size;
    *first_descriptor = 0;
    if (!request.plan_in_descriptor) return kOk;
    if (passed.count == 0) return kMalformed;
    *first_descriptor = 1;
    UniqueFd file(passed.take(0));
    // What is checked must not change while it is done, nor shrink below what is mapped (SIGBUS; memfd_create(2)).
    constexpr int kSealed = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
    sys::Outcome seals = sys::call<SYS_fcntl>(file.get(), F_GET_SEALS, 0);
    if (!seals.ok()) return seals.status();
    if ((seals.value & kSealed) != kSealed) return Status{SYS_fcntl, EPERM};
    sys::Outcome end = sys::call<SYS_lseek>(file.get(), 0L, SEEK_END);
    if (!end.ok()) return end.status();
    sys::Outcome mapped = sys::call<SYS_mmap>(0L, end.value, PROT_READ, MAP_PRIVATE, file.get(), 0L);
    if (!mapped.ok()) return mapped.status();
    mapped_ = true;
    data_ = static_cast<const uint8_t*>(mapped.pointer());
    size_ = static_cast<size_t>(end.value);
    return kOk;
  }
  ~PlanBytes() {
    if (mapped_) (void)sys::call<SYS_munmap>(data_, size_);
  }
  const uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
  bool mapped_ = false;
};

}  // namespace

Status run(LauncherContext& context, const StepMeasureSteps& step) {
  Container& container = context.container;
  return container.clock.open(context.slots.get(step.memory), container.last_step + 1);
}

Status run(LauncherContext& context, const StepKeepMounts&) {
  context.keep_mounts = true;
  return kOk;
}

Status run(LauncherContext& context, const StepClone& step) {
  context.clone = step;
  return kOk;
}

void launch(Client& client, const RequestLaunch& request, Passed& passed) {
  Launcher& launcher = *client.launcher;
  if (passed.cut) return refuse(client, request.container, Status{SYS_recvmsg, EMFILE});
  if (request.id.size >= kMaxName) return refuse(client, request.container, kMalformed);
  Container* container = add_container(client, request);
  if (container == nullptr) return refuse(client, request.container, Status{SYS_brk, ENOMEM});
  LauncherContext context{launcher.home, launcher.id_maps, launcher.parents, launcher.device_programs, launcher.loop, *container, {}, {}};
  PlanBytes bytes;
  Plan plan;
  uint32_t first;
  Status status = bytes.open(request, passed, &first);
  for (uint32_t index = first; index < passed.count; ++index) {
    (void)context.slots.put(index - first, UniqueFd(passed.take(index)));
  }
  if (status.ok() && !plan.parse(bytes.data(), bytes.size())) status = kMalformed;
  container->failed_step = kNoStep;
  container->last_step = plan.step_count() - 1;
  if (status.ok()) status = walk_plan(context, plan, &container->failed_step);
  (void)launcher.home.return_home();
  context.slots.close_all();
  if (status.ok() && plan.clones()) {
    note_pid(*container);
    status = watch_container(*container);
  }
  if (status.ok() && plan.clones()) return;
  container->failure = status;
  if (container->pidfd.valid()) {
    // Born, but not to be: its end is waited for like any other.
    (void)send_signal(container->pidfd.get(), SIGKILL);
    if (watch_container(*container).ok()) return;
  }
  finish_container(*container);
}

}  // namespace tsrun
