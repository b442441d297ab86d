"""A web server and worker in Python: answers on PORT, takes bytes on demand, ends in order on SIGTERM."""
import http.server
import os
import signal
import sys
import threading

held = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path, _, argument = self.path.partition("?")
        if path == "/hold":
            held.append(bytearray(b"x" * int(argument)))
        body = f"python {self.command} {path}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form, *values):
        print(form % values, file=sys.stderr, flush=True)


server = http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler)


def finish(number, frame):
    print(f"{signal.Signals(number).name}: finishing", flush=True)
    # The server's own loop must not wait for itself.
    threading.Thread(target=server.shutdown).start()


signal.signal(signal.SIGTERM, finish)
print("listening", flush=True)
server.serve_forever()
sys.exit(9)
