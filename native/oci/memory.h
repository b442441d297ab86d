// Memory of scripts.
#ifndef TSRUN_OCI_MEMORY_H_
#define TSRUN_OCI_MEMORY_H_

#include <quickjs/quickjs.h>

namespace tsrun::oci {

// For JS_NewRuntime2. With malloc(3), and its accounts, a fifth of the processor time of `create` went into memory.
extern const JSMallocFunctions kScriptMemory;

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_MEMORY_H_
