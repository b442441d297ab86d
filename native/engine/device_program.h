// Programs that hold device rules, by bpf(2): for who looks what the kernel takes, and who replaces the one of a live container.
#ifndef TSRUN_ENGINE_DEVICE_PROGRAM_H_
#define TSRUN_ENGINE_DEVICE_PROGRAM_H_

#include <stddef.h>
#include <stdint.h>

#include "engine/failure.h"
#include "engine/launcher_process.h"

namespace tsrun::engine {

Failure load_device_program(const uint8_t* code, size_t size, Descriptor* into);

// In one step in the place of that which tsrun attached to the cgroup before, known by its name; where there was none, beside
// any other.
Failure replace_device_program(int program, int cgroup);

}  // namespace tsrun::engine

#endif  // TSRUN_ENGINE_DEVICE_PROGRAM_H_
