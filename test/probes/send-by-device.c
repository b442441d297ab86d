// Sends a datagram to an address by an interface that it names, which takes no right (SO_BINDTODEVICE, since Linux 5.7).
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static socklen_t parse(const char *text, unsigned short port, struct sockaddr_storage *to) {
  struct sockaddr_in *four = (struct sockaddr_in *)to;
  struct sockaddr_in6 *six = (struct sockaddr_in6 *)to;
  memset(to, 0, sizeof *to);
  if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
    four->sin_family = AF_INET;
    four->sin_port = htons(port);
    return sizeof *four;
  }
  if (inet_pton(AF_INET6, text, &six->sin6_addr) != 1) exit(2);
  six->sin6_family = AF_INET6;
  six->sin6_port = htons(port);
  return sizeof *six;
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  struct sockaddr_storage to;
  socklen_t length = parse(argv[2], (unsigned short)atoi(argv[3]), &to);
  int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, argv[1], (socklen_t)strlen(argv[1])) != 0) {
    perror("send-by-device");
    return 1;
  }
  // The first one may be lost to the search for a neighbour.
  for (int sent = 0; sent < 3; ++sent) {
    if (sendto(fd, argv[4], strlen(argv[4]), 0, (struct sockaddr *)&to, length) < 0) printf("%s\n", strerror(errno));
    usleep(50000);
  }
  return 0;
}
