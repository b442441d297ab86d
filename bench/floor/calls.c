#include "calls.h"

void fail(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  _exit(1);
}

void write_file(int directory, const char *name, const char *text, size_t size) {
  int file = (int)CALL(openat, directory, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW, 0L);
  CALL(write, file, text, size);
  close_fd(file);
}

int make_file_system(const char *type, const char *const *options, unsigned attributes) {
  int context = (int)CALL(fsopen, type, FSOPEN_CLOEXEC);
  for (; *options != NULL; ++options) {
    char key[64];
    const char *equals = strchr(*options, '=');
    if (equals == NULL) {
      CALL(fsconfig, context, FSCONFIG_SET_FLAG, *options, NULL, 0L);
      continue;
    }
    snprintf(key, sizeof key, "%.*s", (int)(equals - *options), *options);
    CALL(fsconfig, context, FSCONFIG_SET_STRING, key, equals + 1, 0L);
  }
  CALL(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0L);
  int mount = (int)CALL(fsmount, context, FSMOUNT_CLOEXEC, attributes);
  close_fd(context);
  return mount;
}
