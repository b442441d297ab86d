"""What Python programs use of a kernel beyond files: each line says what came of one thing."""
import asyncio
import concurrent.futures
import ctypes
import faulthandler
import fcntl
import multiprocessing
import multiprocessing.shared_memory
import os
import pwd
import resource
import select
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import tempfile
import threading
import time


def square(number):
    return number * number


def subprocesses():
    text = subprocess.check_output(["sh", "-c", "echo one"], text=True).strip()
    return text, subprocess.run("exit 3", shell=True).returncode, os.waitstatus_to_exitcode(os.system("exit 4"))


def processes():
    with multiprocessing.Pool(2) as pool:
        squares = pool.map(square, [1, 2, 3])
    queue = multiprocessing.Queue()
    process = multiprocessing.get_context("spawn").Process(target=square, args=(2,))
    process.start()
    process.join()
    queue.put("queued")
    return squares, queue.get(), process.exitcode


def shared_memory():
    memory = multiprocessing.shared_memory.SharedMemory(create=True, size=16)
    memory.buf[0] = 9
    first = memory.buf[0]
    memory.close()
    memory.unlink()
    return first


def threads():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        squares = list(pool.map(square, range(4)))
    thread = threading.Thread(target=time.sleep, args=(0,))
    thread.start()
    thread.join()
    return squares


def database():
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(folder + "/db")
        mode = connection.execute("pragma journal_mode=wal").fetchone()[0]
        connection.execute("create table t (a)")
        connection.execute("insert into t values (7)")
        connection.commit()
        return mode, connection.execute("select a from t").fetchone()[0]


def tls():
    return ssl.create_default_context().verify_mode.name, len(ssl.RAND_bytes(8))


async def echo():
    async def serve(reader, writer):
        writer.write(await reader.readline())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", server.sockets[0].getsockname()[1])
    writer.write(b"echo\n")
    line = await reader.readline()
    writer.close()
    server.close()
    sleeper = await asyncio.create_subprocess_exec("true")
    return line.decode().strip(), await sleeper.wait()


def signals():
    seen = []
    signal.signal(signal.SIGALRM, lambda number, frame: seen.append(number))
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    while not seen:
        time.sleep(0.005)
    return signal.Signals(seen[0]).name


def locks():
    with tempfile.TemporaryFile() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        fcntl.lockf(file, fcntl.LOCK_EX)
        os.posix_fallocate(file.fileno(), 0, 4096)
        return os.fstat(file.fileno()).st_size


def events():
    left, right = socket.socketpair()
    poll = select.epoll()
    poll.register(right, select.EPOLLIN)
    left.send(b"x")
    return len(poll.poll(5)), os.eventfd_read(os.eventfd(3)), os.memfd_create("name") > 2


def system():
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    pid = ctypes.CDLL(None).getpid()
    return soft, pid == os.getpid(), pwd.getpwuid(os.getuid()).pw_name, len(os.sched_getaffinity(0)) >= 1


facilities = {
    "subprocesses": subprocesses,
    "processes": processes,
    "shared memory": shared_memory,
    "threads": threads,
    "a database": database,
    "tls": tls,
    "asyncio": lambda: asyncio.run(echo()),
    "signals": signals,
    "locks": locks,
    "events": events,
    "the system": system,
}

if __name__ == "__main__":
    faulthandler.enable()
    for name, facility in facilities.items():
        try:
            result = facility()
        except Exception as error:
            result = f"{type(error).__name__} {error}"
        print(f"{name}: {result}")
    sys.exit(0)
