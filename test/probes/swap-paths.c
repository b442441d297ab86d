// Swaps two paths as fast as it can, until it is ended: what was a folder when it was looked at is a link when it is used.
//
//   swap-paths ONE OTHER
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  printf("ready\n");
  fflush(stdout);
  for (;;) renameat2(AT_FDCWD, argv[1], AT_FDCWD, argv[2], RENAME_EXCHANGE);
}
