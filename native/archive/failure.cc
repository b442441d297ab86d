#include "archive/failure.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

namespace tsrun::archive {
namespace {

// One write a line, so that lines of two threads do not mix (pipe(7), PIPE_BUF).
constexpr size_t kLongestEntry = 600;

[[noreturn]] void end(const std::string& line) {
  say(line);
  _exit(1);
}

}  // namespace

std::string quote(std::string_view bytes) {
  std::string quoted = "\"";
  for (char each : bytes) {
    auto byte = static_cast<unsigned char>(each);
    if (byte >= 32 && byte < 127 && byte != '"' && byte != '\\') {
      quoted += each;
      continue;
    }
    char escaped[8];
    (void)snprintf(escaped, sizeof escaped, "\\u%04x", unsigned{byte});
    quoted += escaped;
  }
  return quoted + '"';
}

void say(const std::string& line) {
  std::string whole = line + '\n';
  for (size_t at = 0; at < whole.size();) {
    ssize_t written = write(STDERR_FILENO, whole.data() + at, whole.size() - at);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    at += static_cast<size_t>(written);
  }
}

void refuse(std::string_view entry, const char* why) {
  end("{\"refused\":" + quote(why) + ",\"entry\":" + quote(entry.substr(0, kLongestEntry)) + "}");
}

void refuse_behind(std::string_view entry, const char* why) {
  end("{\"refused\":" + quote(why) + ",\"behind\":" + quote(entry.substr(0, kLongestEntry)) + "}");
}

void give_up(std::string_view entry, const char* call, std::string_view about) {
  int error = errno;
  end("{\"call\":" + quote(call) + ",\"errno\":" + std::to_string(error) + ",\"about\":" + quote(about.substr(0, kLongestEntry)) + ",\"entry\":" + quote(entry.substr(0, kLongestEntry)) + "}");
}

}  // namespace tsrun::archive
