"""pty-driver.py ROWS COLUMNS COMMAND...: runs a command on a terminal of its own, as its session's leader.

What comes on standard input is typed, what the command prints is passed on. Descriptor 3 takes orders, a line each:
`size ROWS COLUMNS`, `signal NUMBER`, `hangup`. At the end it gets a line of JSON: exit code or signal, and whether the
terminal is as a shell wants it (`cooked`).
"""
import fcntl
import json
import os
import pty
import select
import signal
import struct
import sys
import termios

READ, ORDERS = 65536, 3


def set_size(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def start(slave, command):
    pid = os.fork()
    if pid != 0:
        return pid
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for fd in range(3):
        os.dup2(slave, fd)
    os.closerange(3, 256)
    os.execvp(command[0], command)


def obey(line, master, pid):
    word, *numbers = line.split()
    if word == "size":
        set_size(master, int(numbers[0]), int(numbers[1]))
    elif word == "signal":
        os.kill(pid, int(numbers[0]))


def copy(master, inputs, orders, pid):
    """Until the command has ended and its last output was read. False: hung up."""
    pidfd = os.pidfd_open(pid)
    waited = [master, pidfd, orders] + inputs
    while True:
        ready, _, _ = select.select(waited, [], [])
        if master in ready:
            os.write(1, os.read(master, READ))
        elif pidfd in ready:
            return True
        elif 0 in ready:
            typed = os.read(0, READ)
            if not typed:
                waited.remove(0)
            os.write(master, typed)
        elif orders in ready:
            lines = os.read(orders, READ).decode().splitlines()
            # Who gave orders is gone: nobody looks at the terminal any more either.
            if not lines or "hangup" in lines:
                return False
            for line in lines:
                obey(line, master, pid)


def main():
    rows, columns, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    master, slave = pty.openpty()
    set_size(master, rows, columns)
    pid = start(slave, command)
    # The slave stays open here, so that its state can be looked at when the command is gone.
    if copy(master, [0], ORDERS, pid):
        local = termios.tcgetattr(slave)[3]
        cooked = all(local & flag for flag in (termios.ICANON, termios.ECHO, termios.ISIG))
    else:
        os.close(slave)
        os.close(master)
        cooked = None
    _, status = os.waitpid(pid, 0)
    end = {"code": os.waitstatus_to_exitcode(status), "cooked": cooked}
    os.write(ORDERS, (json.dumps(end) + "\n").encode())


main()
