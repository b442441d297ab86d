// Programs that hold device rules (BPF_PROG_TYPE_CGROUP_DEVICE), kept by their bytes: loading one costs more than attaching
// it to a hundred cgroups, and most containers have the same rules.
#ifndef TSRUN_LAUNCHER_DEVICE_PROGRAMS_H_
#define TSRUN_LAUNCHER_DEVICE_PROGRAMS_H_

#include "plan/codec.h"
#include "sys/fd.h"

namespace tsrun {

class DevicePrograms {
 public:
  // Stays attached until the cgroup is removed.
  Status attach(Bytes program, int cgroup);

 private:
  static constexpr int kCapacity = 16;

  struct Entry {
    uint8_t* code = nullptr;
    uint32_t size = 0;
    uint64_t last_use = 0;
    UniqueFd fd;
  };

  Status find_or_load(Bytes program, int* fd);
  Entry& oldest();

  Entry entries_[kCapacity];
  uint64_t uses_ = 0;
};

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_DEVICE_PROGRAMS_H_
