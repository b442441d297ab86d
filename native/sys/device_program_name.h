// What programs that hold device rules are called, where bpf(2) tells of them: so they are known among others on the same cgroup.
#ifndef TSRUN_SYS_DEVICE_PROGRAM_NAME_H_
#define TSRUN_SYS_DEVICE_PROGRAM_NAME_H_

namespace tsrun {

inline constexpr char kDeviceProgramName[] = "tsrun_devices";

}  // namespace tsrun

#endif  // TSRUN_SYS_DEVICE_PROGRAM_NAME_H_
