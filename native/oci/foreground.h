// What a command does while a process that it started runs before its eyes: signals and a terminal's bytes are passed on.
#ifndef TSRUN_OCI_FOREGROUND_H_
#define TSRUN_OCI_FOREGROUND_H_

#include <quickjs/quickjs.h>

namespace tsrun::oci {

void define_foreground(JSContext* context, JSValueConst host);

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_FOREGROUND_H_
