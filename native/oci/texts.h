// UTF-8, which QuickJS has inside and gives scripts no words for.
#ifndef TSRUN_OCI_TEXTS_H_
#define TSRUN_OCI_TEXTS_H_

#include <quickjs/quickjs.h>

namespace tsrun::oci {

void define_texts(JSContext* context, JSValueConst host);

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_TEXTS_H_
