// How the program speaks: one JSON object a line on the standard error, in ASCII whatever the archive's names are. It is run for
// one task, so what goes wrong ends it on the spot.
#ifndef TSRUN_ARCHIVE_FAILURE_H_
#define TSRUN_ARCHIVE_FAILURE_H_

#include <stdint.h>

#include <string>
#include <string_view>

namespace tsrun::archive {

// Every byte below 32 and above 126 as \u00xx: the reader takes the characters for bytes.
std::string quote(std::string_view bytes);

void say(const std::string& line);

// The archive is damaged, hostile, or beyond a limit.
[[noreturn]] void refuse(std::string_view entry, const char* why);
// What comes after an entry is, and has no name of its own; an empty one: it is the archive's beginning.
[[noreturn]] void refuse_behind(std::string_view entry, const char* why);

// A system call failed, by `errno`. `about`: which attribute, which owner.
[[noreturn]] void give_up(std::string_view entry, const char* call, std::string_view about = "");

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_FAILURE_H_
