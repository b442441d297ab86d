// One cycle: what happens before a container is born, inside it, and after its end.
#ifndef BENCH_FLOOR_CONTAINER_H_
#define BENCH_FLOOR_CONTAINER_H_

#include <stdint.h>

#include "settings.h"

struct container {
  uint64_t started_ns;  // of the cycle; 0: this place is free
  int pid;
  int pidfd;
  int channel;
  int cgroup;
  int upper;   // by which is seen what it has changed
  int mounts;  // its mount namespace, which the kernel takes apart when nobody has it any more; -1: not held
  int watches[MOST_WORDS];
  char name[32];
};

// `alone`: no other is being started.
void start_full(struct container *container, unsigned number, int alone);
void end_full(struct container *container);
// What is left after the launcher has told the end.
void let_go_full(struct container *container);
void start_bare(struct container *container);
void end_bare(struct container *container);

// In the container. The descriptors are those of the parent's.
__attribute__((noreturn)) void be_full_child(int root, const int parts[2], int dev, int channel);

int clone_process(uint64_t flags, int cgroup, int *pidfd);
void wait_for(struct container *container);

#endif
