// SHA-256 as it goes. libcrypto's low-level functions: the others look for providers and their files.
#ifndef TSRUN_ARCHIVE_DIGEST_H_
#define TSRUN_ARCHIVE_DIGEST_H_

#ifndef OPENSSL_SUPPRESS_DEPRECATED
#define OPENSSL_SUPPRESS_DEPRECATED
#endif
#include <openssl/sha.h>

#include <string>
#include <string_view>

namespace tsrun::archive {

class Digest {
 public:
  Digest() { SHA256_Init(&state_); }
  void add(std::string_view bytes) { SHA256_Update(&state_, bytes.data(), bytes.size()); }

  // `sha256:` and 64 digits; nothing can be added after it.
  std::string text() {
    constexpr char kDigits[] = "0123456789abcdef";
    unsigned char bytes[SHA256_DIGEST_LENGTH];
    SHA256_Final(bytes, &state_);
    std::string text = "sha256:";
    for (unsigned char byte : bytes) {
      text += kDigits[byte >> 4];
      text += kDigits[byte & 15];
    }
    return text;
  }

 private:
  SHA256_CTX state_{};
};

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_DIGEST_H_
