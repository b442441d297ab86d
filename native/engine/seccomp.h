// Seccomp profiles to BPF, by libseccomp. Runs in the embedder's process, never in a container's; decides nothing: the
// layers, actions and conditions come from src/engine/seccomp-layers.ts.
#ifndef TSRUN_ENGINE_SECCOMP_H_
#define TSRUN_ENGINE_SECCOMP_H_

#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

namespace tsrun::seccomp {

struct Failure {
  // The libseccomp function or system call that failed.
  const char* syscall = "";
  int error = 0;
  // The system call or architecture of the profile that it failed for, or empty.
  std::string detail;
};

// Reads the description that encodeSeccomp (src/engine/seccomp.ts) writes and puts the program, an array of sock_filter,
// into `bpf`. False and `failure` if it cannot.
bool CompileSeccomp(const uint8_t* data, size_t size, std::vector<uint8_t>* bpf, Failure* failure);

}  // namespace tsrun::seccomp

#endif  // TSRUN_ENGINE_SECCOMP_H_
