// JSON as src/spec/json.ts reads it, which every command does with a record or a config.json: there it took a third of `state`.
#ifndef TSRUN_OCI_JSON_H_
#define TSRUN_OCI_JSON_H_

#include <quickjs/quickjs.h>

namespace tsrun::oci {

void define_json(JSContext* context, JSValueConst host);

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_JSON_H_
