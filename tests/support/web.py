# SPDX-License-Identifier: GPL-2.0-or-later
"""Web servers with files: nginx as it is, and one of Python's that does what servers should not."""

import contextlib
import http.server
import re
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from pathlib import Path

import pytest

from .command import run
from .vhdtool import PATH, need

NGINX = """daemon off; master_process off; pid {work}/pid; error_log {work}/error.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{
    access_log {work}/access.log;
    client_body_temp_path {work}/a; proxy_temp_path {work}/b; fastcgi_temp_path {work}/c; uwsgi_temp_path {work}/d;
    scgi_temp_path {work}/e;
    server {{ listen 127.0.0.1:{port} {words}; root {folder}; {more} }}
}}
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def wait_for_port(port: int, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=30):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            pytest.fail(f"the server has ended: {process.wait(timeout=0.05)}")
    pytest.fail("the server does not start")


@contextlib.contextmanager
def nginx(folder: Path, work: Path, certificate: Path | None = None):
    """Serves a folder; its address."""
    need("nginx")
    work.mkdir()
    port = free_port()
    more = f"ssl_certificate {certificate}; ssl_certificate_key {certificate};" if certificate else ""
    (work / "nginx.conf").write_text(NGINX.format(work=work, port=port, folder=folder, more=more,
                                                  words="ssl" if certificate else ""), encoding="utf-8")
    with subprocess.Popen([shutil.which("nginx", path=PATH), "-c", work / "nginx.conf", "-e", work / "error.log"],
                          stdin=subprocess.DEVNULL) as server:
        try:
            wait_for_port(port, server)
            yield f"{'https' if certificate else 'http'}://localhost:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


class Line(socketserver.ThreadingTCPServer):
    """A line to a server on this machine, of so many bytes a second for all connections together; without a delay. nginx's
    own limit is one for each request, and lets those of 64 KiB and less come faster."""

    daemon_threads = True
    request_queue_size = 64
    piece = 65536
    late = 0.005  # seconds by which this program may come too late and make up for it

    def __init__(self, url: str, rate: int):
        super().__init__(("127.0.0.1", 0), _Connection)
        self.server = ("127.0.0.1", int(url.rpartition(":")[2]))
        self.url = f"http://localhost:{self.server_address[1]}"
        self.silence = 0.0  # the longest time between two pieces
        self._rate = rate
        self._lock = threading.Lock()
        self._free = 0.0  # when all that was taken so far has passed
        self._last = 0.0

    def wait_for_room(self, size: int) -> None:
        with self._lock:
            now = time.monotonic()
            self.silence = max(self.silence, now - self._last if self._last else 0)
            self._last = now
            self._free = max(self._free, now - self.late) + size / self._rate
            left = self._free - now
        if left > 0:
            time.sleep(left)

    def handle_error(self, *_):
        pass  # one of the two has gone


class _Connection(socketserver.BaseRequestHandler):
    def handle(self):
        with socket.socket() as server:
            # What the server has sent has passed the line, or nearly so.
            server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2 * self.server.piece)
            server.connect(self.server.server)
            upwards = threading.Thread(target=self._pass_on, args=(self.request, server, lambda size: None), daemon=True)
            upwards.start()
            self._pass_on(server, self.request, self.server.wait_for_room)
            upwards.join()

    def _pass_on(self, source: socket.socket, target: socket.socket, wait) -> None:
        try:
            while data := source.recv(self.server.piece):
                wait(len(data))
                target.sendall(data)
        except OSError:
            pass
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def line(url: str, rate: int):
    """A Line to the server of that address."""
    with Line(url, rate) as slow:
        thread = threading.Thread(target=slow.serve_forever, daemon=True)
        thread.start()
        try:
            yield slow
        finally:
            slow.shutdown()
            thread.join(timeout=30)


def self_signed(path: Path) -> Path:
    """A certificate for localhost and its key in one file."""
    need("openssl")
    key = path.with_suffix(".key")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
        "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", path)
    path.write_text(path.read_text("ascii") + key.read_text("ascii"), encoding="ascii")
    return path


class Faulty(http.server.BaseHTTPRequestHandler):
    """Answers ranges; `server.fault(handler, name, first, last)` may do something else and then returns True."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = self.server.folder / self.path.lstrip("/")
        found = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"] or "")
        if not path.is_file() or not found:
            self.send_error(404)
            return
        data = path.read_bytes()
        first, last = int(found[1]), min(int(found[2]), len(data) - 1)
        self.server.asked.append((path.name, first, last - first + 1))
        if self.server.fault and self.server.fault(self, path.name, first, last):
            return
        self.begin(first, last, len(data))
        self.wfile.write(data[first:last + 1])

    def begin(self, first, last, size, tag='"1"', length=None):
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("ETag", tag)
        if length != -1:
            self.send_header("Content-Length", str(last - first + 1 if length is None else length))
        self.end_headers()

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def faulty(folder: Path, fault=None):
    """A server whose `fault` may be set, and whose `asked` has what it was asked for: name, place, length. Its address is
    `url`."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Faulty)
    server.daemon_threads = True
    server.folder, server.fault, server.asked = folder, fault, []
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=30)
