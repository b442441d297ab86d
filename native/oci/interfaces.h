// Network interfaces of the host that a container gets.
#ifndef TSRUN_OCI_INTERFACES_H_
#define TSRUN_OCI_INTERFACES_H_

#include "oci/script.h"

namespace tsrun::oci {

void define_interfaces(JSContext* context, JSValueConst host);

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_INTERFACES_H_
