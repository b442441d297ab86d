// Files, for scripts: a system call each, with Node's own names left to TypeScript.
#ifndef TSRUN_OCI_FILES_H_
#define TSRUN_OCI_FILES_H_

#include <quickjs/quickjs.h>

namespace tsrun::oci {

void define_files(JSContext* context, JSValueConst host);

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_FILES_H_
