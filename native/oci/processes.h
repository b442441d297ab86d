// Processes and what this one is, for scripts.
#ifndef TSRUN_OCI_PROCESSES_H_
#define TSRUN_OCI_PROCESSES_H_

#include <quickjs/quickjs.h>

namespace tsrun::oci {

void define_processes(JSContext* context, JSValueConst host);

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_PROCESSES_H_
