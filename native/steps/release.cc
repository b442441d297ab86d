// A container that goes on without its launcher: everything of it is there but the program, which a later command starts.
#include <sys/stat.h>

#include "init/execution.h"
#include "steps/child_steps.h"

namespace tsrun {
namespace {

// As the kernel would find it (execve(2)), short of reading it.
Status could_execute(const char* path) {
  struct stat info;
  TSRUN_TRY(sys::call<SYS_newfstatat>(AT_FDCWD, path, &info, 0).status());
  if (!S_ISREG(info.st_mode)) return Status{SYS_execve, EACCES};
  constexpr int kExecutable = 1;  // X_OK
  return sys::call<SYS_faccessat>(AT_FDCWD, path, kExecutable).status();
}

}  // namespace

Status run(ChildContext&, const StepFindProgram& step) {
  ProgramSearch search;
  for (Texts paths = step.paths; paths.count > 0;) {
    Status found = could_execute(paths.next().data);
    if (found.ok()) return kOk;
    if (!search.goes_on_after(found)) break;
  }
  return search.failure();
}

Status run(ChildContext& context, const StepAwaitFifo& step) {
  char byte;
  sys::Outcome read = sys::call<SYS_read>(context.slots.get(step.fifo), &byte, sizeof byte);
  while (read.error() == EINTR) read = sys::call<SYS_read>(context.slots.get(step.fifo), &byte, sizeof byte);
  TSRUN_TRY(read.status());
  context.report = context.slots.get(step.report);
  return kOk;
}

}  // namespace tsrun
