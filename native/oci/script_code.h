// The bytecode of src/oci-cli/, made by compile_script.cc.
#ifndef TSRUN_OCI_SCRIPT_CODE_H_
#define TSRUN_OCI_SCRIPT_CODE_H_

#include <stddef.h>
#include <stdint.h>

namespace tsrun::oci {

extern const uint8_t* const kScriptCode;
extern const size_t kScriptCodeSize;

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_SCRIPT_CODE_H_
