// Output that the launcher keeps: read from the container, written to the log in its state folder, and passed on to
// whoever is attached. It lives until its source ends, which may be after the container.
#ifndef TSRUN_LAUNCHER_OUTPUT_H_
#define TSRUN_LAUNCHER_OUTPUT_H_

#include "launcher/container.h"
#include "sys/fd.h"

namespace tsrun {

struct Output;

// A pipe to somebody who is attached. While it is full nothing more is read, so the container waits as it would for a
// slow terminal.
struct Forward {
  Forward* next = nullptr;
  Output* output = nullptr;
  UniqueFd pipe;
  Watch watch;  // while `unsent` holds something
  uint8_t* unsent = nullptr;
  size_t unsent_size = 0;
};

struct Output {
  Output* next = nullptr;
  Launcher* launcher = nullptr;
  Container* container = nullptr;  // null once the container is gone
  uint32_t stream = 0;
  uint64_t max_bytes = 0;
  UniqueFd source;
  Watch watch;
  UniqueFd folder;
  UniqueFd log;
  uint64_t log_bytes = 0;
  uint64_t logged_breaks = 0;  // once the container is gone
  Forward* forwards = nullptr;
};

// What stands before each piece in the log. A file that is not the first begins with a piece that tells how many line feeds
// (uint64_t) there were before it, so that who missed them knows.
struct LogHeader {
  uint64_t realtime_ns;
  uint32_t stream;  // 1 stdout, 2 stderr, 0 terminal, 3 none
  uint32_t size;
};

Status keep_output(Container& container, UniqueFd source, uint32_t stream, UniqueFd forward, uint64_t max_bytes);
Status add_forward(Output& output, UniqueFd pipe);
// Reads what was printed before the end, so that it is in the log before the record says that there was an end.
void drain_outputs(Container& container);
// The container is gone; what its outputs still hold is read to the end.
void leave_outputs(Container& container);

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_OUTPUT_H_
