// What only a system call can tell of this host.
#ifndef TSRUN_ENGINE_HOST_PROBE_H_
#define TSRUN_ENGINE_HOST_PROBE_H_

namespace tsrun::engine {

// Version of the Landlock ABI, 0 for none (landlock_create_ruleset(2)).
int landlock_abi();

// 0, or the errno with which the kernel refuses a program that allows every device (bpf(2)).
int device_program_probe();

}  // namespace tsrun::engine

#endif  // TSRUN_ENGINE_HOST_PROBE_H_
