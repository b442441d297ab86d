"""A WSGI app under the server of Python's library: tells what it sees of its container, and ends in order on the signal of its image."""
import getpass
import json
import os
import platform
import signal
import sys
from wsgiref.simple_server import WSGIRequestHandler, make_server


class Quiet(WSGIRequestHandler):
    def log_message(self, *words):
        pass


def app(environ, start_response):
    start_response('200 OK', [('Content-Type', 'application/json')])
    seen = {'path': environ['PATH_INFO'], 'greeting': os.environ['GREETING'], 'user': getpass.getuser(), 'uid': os.getuid(), 'gid': os.getgid(), 'folder': os.getcwd(), 'machine': platform.machine()}
    return [json.dumps(seen).encode()]


def end(number, frame):
    print(f'{signal.Signals(number).name}: closing', flush=True)
    sys.exit(3)


signal.signal(signal.SIGINT, end)
port = int(sys.argv[1])
with make_server('127.0.0.1', port, app, handler_class=Quiet) as server:
    print(f'listening on {port}', flush=True)
    server.serve_forever()
