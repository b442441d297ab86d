// What the addon is to Node, for scripts: the launcher, messages with descriptors, seccomp filters, what only system calls can tell.
#ifndef TSRUN_OCI_ENGINE_H_
#define TSRUN_OCI_ENGINE_H_

#include <quickjs/quickjs.h>

namespace tsrun::oci {

void define_engine(JSContext* context, JSValueConst host);

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_ENGINE_H_
