// What is started in the launcher's place: the launcher under valgrind. A script could not be, since it is executed from a memfd that is
// closed by that.
#include <unistd.h>

#include <string>
#include <vector>

int main(int count, char** words) {
  // Not valgrind's own %p: it would open another file after each fork, in whatever root that is.
  std::string notes = "--log-file=" TSRUN_VALGRIND_NOTES "/" + std::to_string(getpid());
  std::vector<const char*> command{
      "valgrind", "--quiet", notes.c_str(), TSRUN_VALGRIND_LAUNCHER,
  };
  for (int index = 1; index < count; ++index) command.push_back(words[index]);
  command.push_back(nullptr);
  execv("/usr/bin/valgrind", const_cast<char**>(command.data()));
  return 1;
}
