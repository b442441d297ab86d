// The standard output, a quarter of a megabyte at a time.
#ifndef TSRUN_ARCHIVE_OUTPUT_H_
#define TSRUN_ARCHIVE_OUTPUT_H_

#include <string>
#include <string_view>

namespace tsrun::archive {

class Output {
 public:
  void put(std::string_view bytes);
  // With a NUL behind it.
  void put_field(std::string_view bytes);
  void flush();

 private:
  std::string waiting_;
};

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_OUTPUT_H_
