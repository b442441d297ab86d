#include "archive/gzip.h"

#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

#include <memory>

namespace tsrun::archive {
namespace {

constexpr size_t kOutputBytes = size_t{256} * 1024;
constexpr int kGzipWindow = 15 + 16;

const Bytef* as_bytes(std::string_view text) { return reinterpret_cast<const Bytef*>(text.data()); }

const char* why_refused(int status, const z_stream& stream) {
  if (status == Z_BUF_ERROR) return "truncated gzip input";
  if (stream.msg != nullptr && strstr(stream.msg, "check") != nullptr && stream.total_out > 0) return "the sum in its gzip is not that of what came out";
  return "gzip decompression failed";
}

}  // namespace

bool is_gzip(std::string_view head) { return head.substr(0, 2) == "\x1f\x8b"; }

const char* decompress_gzip(const std::function<std::string_view()>& read, const std::function<bool(std::string_view)>& write) {
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) return "there is no memory for its decompression";
  std::unique_ptr<z_stream, int (*)(z_stream*)> end(&stream, inflateEnd);
  std::unique_ptr<Bytef[]> output(new Bytef[kOutputBytes]);
  int status = Z_OK;
  for (;;) {
    if (stream.avail_in == 0) {
      std::string_view more = read();
      if (more.empty()) return status == Z_STREAM_END ? nullptr : why_refused(Z_BUF_ERROR, stream);
      stream.next_in = as_bytes(more);
      stream.avail_in = static_cast<uInt>(more.size());
    }
    if (status == Z_STREAM_END) {
      bool other = stream.next_in[0] != 0x1f || (stream.avail_in > 1 && stream.next_in[1] != 0x8b);
      if (other || inflateReset(&stream) != Z_OK) return nullptr;
    }
    do {
      stream.next_out = output.get();
      stream.avail_out = kOutputBytes;
      status = inflate(&stream, Z_NO_FLUSH);
      std::string_view made(reinterpret_cast<const char*>(output.get()), kOutputBytes - stream.avail_out);
      if (!made.empty() && !write(made)) return nullptr;
    } while (status == Z_OK && (stream.avail_in > 0 || stream.avail_out == 0));
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return why_refused(status, stream);
  }
}

}  // namespace tsrun::archive
