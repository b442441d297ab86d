// For as long as it lives the caller is without CAP_SYS_RESOURCE, where what it does takes the caller's rights for its own.
#ifndef TSRUN_SYS_WITHOUT_RESOURCE_H_
#define TSRUN_SYS_WITHOUT_RESOURCE_H_

#include <linux/capability.h>

#include "sys/call.h"

namespace tsrun {

class WithoutResource {
 public:
  explicit WithoutResource(bool drop) : dropped_(drop && sys::call<SYS_capget>(&header_, data_).ok()) {
    if (dropped_) set(data_[0].effective & ~(1U << CAP_SYS_RESOURCE));
  }
  WithoutResource(const WithoutResource&) = delete;
  WithoutResource& operator=(const WithoutResource&) = delete;
  ~WithoutResource() {
    if (dropped_) (void)sys::call<SYS_capset>(&header_, data_);
  }

 private:
  void set(uint32_t low) {
    __user_cap_data_struct less[2] = {data_[0], data_[1]};
    less[0].effective = low;
    (void)sys::call<SYS_capset>(&header_, less);
  }

  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data_[2] = {};
  bool dropped_;
};

}  // namespace tsrun

#endif  // TSRUN_SYS_WITHOUT_RESOURCE_H_
