#include "launcher/output.h"

#include <sys/epoll.h>
#include <time.h>

#include "launcher/launcher.h"
#include "sys/memory.h"

namespace tsrun {
namespace {

inline constexpr size_t kPiece = 65536;
// As much as the largest pipe holds (fs.pipe-max-size): who still writes after the end is not waited for.
inline constexpr size_t kMaxDrained = 16;
inline constexpr char kLog[] = "log";
inline constexpr char kOlderLog[] = "log.1";
inline constexpr uint32_t kNoStream = 3;

void source_ready(void* owner, uint32_t);

void release_forward(Forward* forward) {
  forward->output->launcher->loop.remove(&forward->watch);
  free(forward->unsent);
  destroy(forward);
}

void drop_forward(Forward& forward) {
  for (Forward** at = &forward.output->forwards; *at != nullptr; at = &(*at)->next) {
    if (*at == &forward) {
      *at = forward.next;
      break;
    }
  }
  release_forward(&forward);
}

bool waits_for_reader(const Output& output) {
  for (const Forward* each = output.forwards; each != nullptr; each = each->next) {
    if (each->unsent_size > 0) return true;
  }
  return false;
}

// Not removed: to add it again could fail for want of memory. That the source has ended is told once all the same (epoll(7)).
void read_no_more(Output& output) { (void)output.launcher->loop.change(&output.watch, EPOLLET); }

void read_on(Output& output) {
  if (!waits_for_reader(output)) (void)output.launcher->loop.change(&output.watch, EPOLLIN);
}

void forward_ready(void* owner, uint32_t) {
  auto& forward = *static_cast<Forward*>(owner);
  Output& output = *forward.output;
  sys::Outcome written = sys::call<SYS_write>(forward.pipe.get(), forward.unsent, forward.unsent_size);
  if (written.ok()) {
    forward.unsent_size -= static_cast<size_t>(written.value);
    memmove(forward.unsent, forward.unsent + written.value, forward.unsent_size);
    if (forward.unsent_size == 0) output.launcher->loop.remove(&forward.watch);
  } else if (written.error() != EAGAIN) {
    drop_forward(forward);
  }
  read_on(output);
}

// False when its reader is gone.
bool pass_on(Forward& forward, const uint8_t* data, size_t size) {
  sys::Outcome written = sys::call<SYS_write>(forward.pipe.get(), data, size);
  if (!written.ok() && written.error() != EAGAIN) return false;
  size_t done = written.ok() ? static_cast<size_t>(written.value) : 0;
  if (done == size) return true;
  auto* unsent = static_cast<uint8_t*>(realloc(forward.unsent, kPiece));
  if (unsent == nullptr) return false;
  memcpy(unsent, data + done, size - done);
  forward.unsent = unsent;
  forward.unsent_size = size - done;
  Loop& loop = forward.output->launcher->loop;
  return loop.add(&forward.watch, forward.pipe.get(), EPOLLOUT, forward_ready, &forward).ok();
}

void pass_on_to_all(Output& output, const uint8_t* data, size_t size) {
  for (Forward** at = &output.forwards; *at != nullptr;) {
    Forward* forward = *at;
    if (pass_on(*forward, data, size)) {
      at = &forward->next;
    } else {
      *at = forward->next;
      release_forward(forward);
    }
  }
}

Status open_log(Output& output) {
  output.log_bytes = 0;
  return take(sys::call<SYS_openat>(output.folder.get(), kLog, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600),
              &output.log);
}

// Half a piece would make every reader take what follows for something else.
void append(Output& output, uint32_t stream, const void* data, size_t size) {
  timespec now{};
  (void)sys::raw(SYS_clock_gettime, CLOCK_REALTIME, reinterpret_cast<long>(&now));
  LogHeader header{static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec), stream,
                   static_cast<uint32_t>(size)};
  struct {
    const void* data;
    size_t size;
  } parts[] = {{&header, sizeof header}, {data, size}};
  sys::Outcome written = sys::call<SYS_writev>(output.log.get(), parts, 2);
  bool whole = written.ok() && static_cast<size_t>(written.value) == sizeof header + size;
  if (whole) {
    output.log_bytes += sizeof header + size;
  } else {
    (void)sys::call<SYS_ftruncate>(output.log.get(), output.log_bytes);
  }
}

uint64_t& breaks_of(Output& output) {
  return output.container != nullptr ? output.container->logged_breaks : output.logged_breaks;
}

// Two files of half the size each: the older one goes when the newer is full. stdout and stderr append to the same
// file, so the one that finds it full moves it and the other notices by the link count.
void make_room(Output& output, size_t size) {
  off_t end = sys::call<SYS_lseek>(output.log.get(), 0, SEEK_END).value;
  output.log_bytes = end > 0 ? static_cast<uint64_t>(end) : 0;
  if (output.log_bytes + size <= output.max_bytes / 2) return;
  (void)sys::call<SYS_renameat2>(output.folder.get(), kLog, output.folder.get(), kOlderLog, 0);
  // Every output of the container goes on in the new file.
  for (Output* each = output.launcher->outputs; each != nullptr; each = each->next) {
    if (each->container == output.container) (void)open_log(*each);
  }
  append(output, kNoStream, &breaks_of(output), sizeof(uint64_t));
}

uint64_t count_breaks(const uint8_t* data, size_t size) {
  uint64_t count = 0;
  for (size_t index = 0; index < size; ++index) count += data[index] == '\n' ? 1 : 0;
  return count;
}

// A full disk loses the piece, not the container.
void write_log(Output& output, const uint8_t* data, size_t size) {
  if (!output.log.valid()) return;
  make_room(output, size + sizeof(LogHeader));
  append(output, output.stream, data, size);
  breaks_of(output) += count_breaks(data, size);
}

void end_output(Output& output) {
  Launcher& launcher = *output.launcher;
  launcher.loop.remove(&output.watch);
  for (Forward* forward = output.forwards; forward != nullptr;) {
    Forward* next = forward->next;
    // What is still unsent goes with a last try; the reader had all the time that the container had.
    if (forward->unsent_size > 0) (void)sys::call<SYS_write>(forward->pipe.get(), forward->unsent, forward->unsent_size);
    release_forward(forward);
    forward = next;
  }
  for (Output** at = &launcher.outputs; *at != nullptr; at = &(*at)->next) {
    if (*at == &output) {
      *at = output.next;
      break;
    }
  }
  destroy(&output);
}

// False when there is nothing to read now, or will never be again; the output is gone in that case.
bool take_piece(Output& output) {
  static uint8_t piece[kPiece];
  sys::Outcome read = sys::call<SYS_read>(output.source.get(), piece, kPiece);
  if (read.error() == EAGAIN) return false;
  // A terminal says EIO when the last process that had it open is gone.
  if (read.value <= 0) {
    end_output(output);
    return false;
  }
  auto size = static_cast<size_t>(read.value);
  write_log(output, piece, size);
  pass_on_to_all(output, piece, size);
  memset(piece, 0, size);  // children are copies of this memory
  if (!waits_for_reader(output)) return true;
  read_no_more(output);
  return false;
}

void source_ready(void* owner, uint32_t) {
  auto& output = *static_cast<Output*>(owner);
  if (!waits_for_reader(output)) (void)take_piece(output);
}

Status make_nonblocking(int fd) {
  sys::Outcome flags = sys::call<SYS_fcntl>(fd, F_GETFL, 0);
  if (!flags.ok()) return flags.status();
  return sys::call<SYS_fcntl>(fd, F_SETFL, flags.value | O_NONBLOCK).status();
}

}  // namespace

Status keep_output(Container& container, UniqueFd source, uint32_t stream, UniqueFd forward, uint64_t max_bytes) {
  auto* output = make<Output>();
  if (output == nullptr) return Status{SYS_brk, ENOMEM};
  Launcher& launcher = *container.launcher;
  output->launcher = &launcher;
  output->container = &container;
  output->stream = stream;
  output->max_bytes = max_bytes;
  output->source = static_cast<UniqueFd&&>(source);
  output->next = launcher.outputs;
  launcher.outputs = output;
  TSRUN_TRY(make_nonblocking(output->source.get()));
  if (container.state.made()) {
    TSRUN_TRY(take(sys::call<SYS_openat>(container.state.parent_fd, container.state.name, O_PATH | O_DIRECTORY | O_CLOEXEC),
                   &output->folder));
    TSRUN_TRY(open_log(*output));
  }
  if (forward.valid()) TSRUN_TRY(add_forward(*output, static_cast<UniqueFd&&>(forward)));
  return launcher.loop.add(&output->watch, output->source.get(), EPOLLIN, source_ready, output);
}

Status add_forward(Output& output, UniqueFd pipe) {
  TSRUN_TRY(make_nonblocking(pipe.get()));
  auto* forward = make<Forward>();
  if (forward == nullptr) return Status{SYS_brk, ENOMEM};
  forward->output = &output;
  forward->pipe = static_cast<UniqueFd&&>(pipe);
  forward->next = output.forwards;
  output.forwards = forward;
  return kOk;
}

void drain_outputs(Container& container) {
  for (Output* each = container.launcher->outputs; each != nullptr;) {
    Output* next = each->next;
    bool more = each->container == &container && !waits_for_reader(*each);
    for (size_t pieces = 0; more && pieces < kMaxDrained; ++pieces) more = take_piece(*each);
    each = next;
  }
}

void leave_outputs(Container& container) {
  for (Output* each = container.launcher->outputs; each != nullptr;) {
    Output* next = each->next;
    if (each->container == &container) {
      each->container = nullptr;
      each->logged_breaks = container.logged_breaks;
      // Without a record there is nothing to write to any more; who is attached still gets the rest.
      if (!container.keep_record) each->log.reset();
      // A start that failed may have left it without a watch: nobody would hear of its end.
      if (each->watch.fd < 0) end_output(*each);
    }
    each = next;
  }
}

}  // namespace tsrun
