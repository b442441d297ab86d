// Programs of the host that are run for their output or their effect: hooks, ps(1).
#ifndef TSRUN_OCI_PROGRAMS_H_
#define TSRUN_OCI_PROGRAMS_H_

#include <quickjs/quickjs.h>

namespace tsrun::oci {

void define_programs(JSContext* context, JSValueConst host);

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_PROGRAMS_H_
