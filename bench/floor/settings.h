// What the default plan says with other words on each host; the calls and their order are in the program.
#ifndef BENCH_FLOOR_SETTINGS_H_
#define BENCH_FLOOR_SETTINGS_H_

#include <stdint.h>
#include <stddef.h>

#define MOST_WORDS 256

struct words {
  const char *at[MOST_WORDS];
  size_t count;
};

struct bytes {
  char *data;
  size_t size;
};

struct settings {
  const char *mode;          // full or bare
  const char *root;          // an unpacked root file system with /bin/true
  const char *cgroup;        // folder in which cgroups are made
  const char *state;         // folder, on a tmpfs, in which records are made
  struct bytes record;       // content of a record
  struct bytes filter;       // seccomp program
  struct bytes devices;      // device program of the cgroup, empty where none can be loaded
  uint64_t keep;             // capabilities that stay
  uint64_t last;             // highest capability
  uint64_t scopes;           // Landlock scopes, 0 for none
  uint64_t layer_descriptors;  // 1: overlayfs takes its layers as descriptors
  struct words masks;
  struct words readonlys;
  struct words writes;       // into the cgroup: file, value, file, value …
  struct words watches;      // files of the cgroup that are armed
  struct words reports;      // files of the cgroup that are read at the end
};

extern struct settings settings;

void read_settings(int count, char **arguments);

#endif
