// UTF-8, which QuickJS has inside and gives scripts no words for.
#ifndef TSRUN_OCI_TEXTS_H_
#define TSRUN_OCI_TEXTS_H_

#include "oci/script.h"

namespace tsrun::oci {

bool is_utf8(Bytes bytes);

void define_texts(JSContext* context, JSValueConst host);

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_TEXTS_H_
