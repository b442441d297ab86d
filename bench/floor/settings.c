#include "settings.h"

#include "calls.h"

struct settings settings;

static void add(struct words *words, const char *word) {
  errno = E2BIG;
  if (words->count == MOST_WORDS) fail("too many words");
  words->at[words->count++] = word;
}

static struct bytes read_whole(const char *path) {
  struct bytes bytes;
  struct stat status;
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || fstat(file, &status) != 0) fail(path);
  bytes.size = (size_t)status.st_size;
  bytes.data = malloc(bytes.size + 1);
  if (bytes.data == NULL || read(file, bytes.data, bytes.size) != (ssize_t)bytes.size) fail(path);
  close(file);
  return bytes;
}

static int is(const char *argument, const char *key, const char **value) {
  size_t length = strlen(key);
  if (strncmp(argument, key, length) != 0 || argument[length] != '=') return 0;
  *value = argument + length + 1;
  return 1;
}

static void read_setting(char *argument) {
  const char *value;
  if (is(argument, "mode", &value)) settings.mode = value;
  else if (is(argument, "root", &value)) settings.root = value;
  else if (is(argument, "cgroup", &value)) settings.cgroup = value;
  else if (is(argument, "state", &value)) settings.state = value;
  else if (is(argument, "record", &value)) settings.record = read_whole(value);
  else if (is(argument, "filter", &value)) settings.filter = read_whole(value);
  else if (is(argument, "devices", &value)) settings.devices = read_whole(value);
  else if (is(argument, "keep", &value)) settings.keep = strtoull(value, NULL, 10);
  else if (is(argument, "last", &value)) settings.last = strtoull(value, NULL, 10);
  else if (is(argument, "scopes", &value)) settings.scopes = strtoull(value, NULL, 10);
  else if (is(argument, "layer-descriptors", &value)) settings.layer_descriptors = strtoull(value, NULL, 10);
  else if (is(argument, "mask", &value)) add(&settings.masks, value);
  else if (is(argument, "readonly", &value)) add(&settings.readonlys, value);
  else if (is(argument, "write", &value)) add(&settings.writes, value);
  else if (is(argument, "watch", &value)) add(&settings.watches, value);
  else if (is(argument, "report", &value)) add(&settings.reports, value);
  else {
    errno = EINVAL;
    fail(argument);
  }
}

void read_settings(int count, char **arguments) {
  for (int index = 1; index < count; ++index) read_setting(arguments[index]);
  errno = EINVAL;
  if (settings.mode == NULL || settings.root == NULL) fail("mode= and root= are needed");
}
