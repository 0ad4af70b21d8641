"""The kernel side's HTTP server: GET serves a file of a directory, PUT stores one and answers its sha256."""
import hashlib
import http.server
import os
import shutil
import sys

PORT, DIRECTORY = int(sys.argv[1]), sys.argv[2]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def path_of(self):
        return os.path.join(DIRECTORY, os.path.basename(self.path))

    def do_GET(self):
        try:
            with open(self.path_of(), "rb") as f:
                self.send_response(200)
                self.send_header("Content-Length", str(os.fstat(f.fileno()).st_size))
                self.end_headers()
                shutil.copyfileobj(f, self.wfile, 256 * 1024)
        except FileNotFoundError:
            self.send_error(404)

    def do_PUT(self):
        digest = hashlib.sha256()
        left = int(self.headers["Content-Length"])
        buffer = memoryview(bytearray(256 * 1024))
        with open(self.path_of(), "wb") as f:
            while left:
                n = self.rfile.readinto(buffer[: min(left, len(buffer))])
                if not n:
                    break
                digest.update(buffer[:n])
                f.write(buffer[:n])
                left -= n
        body = (digest.hexdigest() + "\n").encode()
        self.send_response(201 if left == 0 else 500)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_PUT

    def log_message(self, *args):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


Server(("0.0.0.0", PORT), Handler).serve_forever()
