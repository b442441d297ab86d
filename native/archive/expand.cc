#include "archive/expand.h"

#include "archive/failure.h"
#include "archive/input.h"
#include "archive/output.h"

namespace tsrun::archive {

int expand(uint64_t most_bytes, uint64_t most_ratio) {
  Input input(InputSettings{false, most_ratio});
  Output output;
  uint64_t bytes = 0;
  for (;;) {
    std::string_view piece = input.next();
    if (piece.empty()) break;
    bytes += piece.size();
    if (bytes > most_bytes) refuse("", "it unpacks to more bytes than the limit allows");
    output.put(piece);
  }
  output.flush();
  say("{\"bytes\":" + std::to_string(bytes) + "}");
  return 0;
}

}  // namespace tsrun::archive
