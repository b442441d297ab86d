// libarchive asks the C library for conversions between character sets, which a static program would load from files: here of the
// folder that it works in, which is an attacker's. Without them names stay as they are, byte by byte.
#include <errno.h>
#include <iconv.h>

extern "C" {

iconv_t iconv_open(const char*, const char*) {
  errno = EINVAL;
  return reinterpret_cast<iconv_t>(-1);  // NOLINT(performance-no-int-to-ptr): what iconv_open(3) gives
}

size_t iconv(iconv_t, char**, size_t*, char**, size_t*) {
  errno = EBADF;
  return static_cast<size_t>(-1);
}

int iconv_close(iconv_t) { return 0; }
}
