// libarchive asks the C library for conversions between character sets, which a static program would load from files: here of the
// folder that it works in, which is an attacker's. Without them names stay as they are, byte by byte.
#include "archive/locale.h"

#include <errno.h>
#include <iconv.h>
#include <langinfo.h>

namespace {

char ascii[] = "ANSI_X3.4-1968";
char utf8[] = "UTF-8";
char* charset = ascii;

}  // namespace

void tsrun::archive::take_names_for_utf8() { charset = utf8; }

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

char* nl_langinfo(nl_item) { return charset; }
}
