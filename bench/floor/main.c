// The kernel floor: makes containers with the system calls of tsrun's default plan and nothing else. It reads orders from
// its input, one a line, `<cycles> <at once>`, and answers each with a line: nanoseconds of the whole, then of each cycle.
#include <poll.h>

#include "calls.h"
#include "container.h"
#include "home.h"

#define MOST_AT_ONCE 64

static struct container containers[MOST_AT_ONCE];
static unsigned made;

static int is_full(void) { return strcmp(settings.mode, "full") == 0; }

static void start(struct container *container, int alone) {
  container->started_ns = now_ns();
  if (is_full()) start_full(container, made++, alone);
  else start_bare(container);
}

static uint64_t end(struct container *container) {
  if (is_full()) end_full(container);
  else end_bare(container);
  uint64_t duration = now_ns() - container->started_ns;
  if (is_full()) let_go_full(container);
  container->started_ns = 0;
  return duration;
}

// What is let go of after an end is nobody's time.
static uint64_t run_one_by_one(unsigned cycles, uint64_t *durations) {
  uint64_t total = 0;
  for (unsigned cycle = 0; cycle < cycles; ++cycle) {
    start(&containers[0], 1);
    durations[cycle] = end(&containers[0]);
    total += durations[cycle];
  }
  return total;
}

static uint64_t run_at_once(unsigned cycles, unsigned at_once, uint64_t *durations) {
  uint64_t begun = now_ns();
  unsigned started = 0;
  unsigned ended = 0;
  while (ended < cycles) {
    for (unsigned place = 0; place < at_once && started < cycles; ++place) {
      if (containers[place].started_ns != 0) continue;
      start(&containers[place], 0);
      ++started;
    }
    struct pollfd polls[MOST_AT_ONCE];
    for (unsigned place = 0; place < at_once; ++place) {
      polls[place] = (struct pollfd){containers[place].started_ns != 0 ? containers[place].pidfd : -1, POLLIN, 0};
    }
    if (poll(polls, at_once, -1) < 0) fail("poll");
    for (unsigned place = 0; place < at_once; ++place) {
      if (polls[place].revents != 0) durations[ended++] = end(&containers[place]);
    }
  }
  return now_ns() - begun;
}

static void obey(unsigned cycles, unsigned at_once) {
  uint64_t *durations = calloc(cycles, sizeof *durations);
  if (durations == NULL) fail("calloc");
  uint64_t total = at_once == 1 ? run_one_by_one(cycles, durations) : run_at_once(cycles, at_once, durations);
  printf("%llu", (unsigned long long)total);
  for (unsigned cycle = 0; cycle < cycles; ++cycle) printf(" %llu", (unsigned long long)durations[cycle]);
  printf("\n");
  fflush(stdout);
  free(durations);
}

int main(int count, char **arguments) {
  read_settings(count, arguments);
  make_home();
  char line[64];
  unsigned cycles;
  unsigned at_once;
  while (fgets(line, sizeof line, stdin) != NULL) {
    errno = EINVAL;
    if (sscanf(line, "%u %u", &cycles, &at_once) != 2 || cycles == 0 || at_once == 0 || at_once > MOST_AT_ONCE) fail("an order");
    obey(cycles, at_once);
  }
  return 0;
}
