// Adds a watch of a regular file, which the kernel refuses (EPERM; epoll_ctl(2)), and of a pipe. 0: each is what it is said to be.
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "launcher/watch.h"

int main() {
  tsrun::Loop loop;
  tsrun::Watch file;
  tsrun::Watch pipe_end;
  int ends[2];
  auto ignore = [](void*, uint32_t) {};
  if (!loop.open().ok() || pipe(ends) != 0) return 2;
  if (loop.add(&file, open("/proc/self/exe", O_RDONLY), EPOLLIN, ignore, nullptr).error != EPERM || file.fd != -1) return 1;
  return loop.add(&pipe_end, ends[0], EPOLLIN, ignore, nullptr).ok() && pipe_end.fd == ends[0] ? 0 : 1;
}
