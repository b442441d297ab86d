"""seccomp-agent.py SOCKET ERRNO: takes seccomp listeners at a socket and answers each call that comes by them with an error.

Prints a line `listening`, and for each connection the text that came along, with how many descriptors and whether the connection was closed after it.
"""
import array
import fcntl
import socket
import struct
import sys
import threading

RECV, SEND = 0xC0502100, 0xC0182101


def answer(listener, errno):
    while True:
        call = bytearray(80)
        try:
            fcntl.ioctl(listener, RECV, call)
            number, = struct.unpack_from("Q", call)
            fcntl.ioctl(listener, SEND, struct.pack("QqiI", number, 0, -errno, 0))
        except OSError as error:
            if error.errno in (2, 4):
                continue
            return


server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen()
print("listening", flush=True)
while True:
    connection, _ = server.accept()
    text, control, _, _ = connection.recvmsg(65536, socket.CMSG_SPACE(16))
    fds = array.array("i")
    for _, _, data in control:
        fds.frombytes(data[: len(data) - len(data) % 4])
    closed = connection.recv(1) == b""
    print(len(fds), "closed" if closed else "open", text.decode(), flush=True)
    for fd in fds:
        threading.Thread(target=answer, args=(fd, int(sys.argv[2])), daemon=True).start()
