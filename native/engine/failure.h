// Which call failed, and how; converts to true when one did.
#ifndef TSRUN_ENGINE_FAILURE_H_
#define TSRUN_ENGINE_FAILURE_H_

namespace tsrun::engine {

struct Failure {
  const char* syscall = "";
  int error = 0;

  explicit operator bool() const { return error != 0; }
};

}  // namespace tsrun::engine

#endif  // TSRUN_ENGINE_FAILURE_H_
