// The bytecode of src/oci-cli/, made by compile_script.cc.
#ifndef TSRUN_OCI_SCRIPT_CODE_H_
#define TSRUN_OCI_SCRIPT_CODE_H_

#include <stddef.h>

namespace tsrun::oci {

struct ScriptCode {
  const char* name;
  const char* code;
  size_t size;
};

extern const ScriptCode kScripts[];
extern const size_t kScriptCount;

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_SCRIPT_CODE_H_
