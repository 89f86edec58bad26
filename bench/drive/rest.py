# SPDX-License-Identifier: Apache-2.0
"""An HTTP client that adds little to what it measures: one kept-alive socket, requests put together before the clock
starts, no parsing between the first and the last byte of a reply. (http.client costs about 0.2 ms a request, which is
more than many a search.)"""
import json
import socket
import time
import urllib.parse

TIMEOUT_S = 600
RECEIVE_BYTES = 1 << 18


class Refused(Exception):
    """The server answered with an error status."""

    def __init__(self, status, reply):
        error = reply.get("error") if isinstance(reply, dict) else None
        if isinstance(error, dict):
            roots = error.get("root_cause") or [error]
            self.type = error.get("type") or "?"
            reason = error.get("reason") or ""
            inner = roots[0]
            if inner.get("type") and inner.get("type") != self.type:
                self.type, reason = inner["type"], inner.get("reason") or reason
        else:
            self.type, reason = f"status {status}", str(error or reply)[:200]
        self.status, self.reason = status, reason
        super().__init__(f"{status} {self.type}: {reason}")


class Rest:
    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise SystemExit(f"bench: not a URL of the form http://host:port: {url}")
        self.host, self.port = parts.hostname, parts.port or 9200
        self.url = f"http://{self.host}:{self.port}"
        self.socket = None
        self.room = bytearray(RECEIVE_BYTES)

    def close(self):
        if self.socket:
            self.socket.close()
        self.socket = None

    def request_bytes(self, method, path, body=None):
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
        if data:
            head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
        elif method in ("POST", "PUT"):
            head += "Content-Length: 0\r\n"
        return head.encode() + b"\r\n" + data

    def connect(self):
        self.socket = socket.create_connection((self.host, self.port), TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def exchange(self, request, is_head=False):
        """(seconds from the first byte sent to the last received, status, body)"""
        fresh = self.socket is None
        if fresh:
            self.connect()
        try:
            begin = time.perf_counter()
            self.socket.sendall(request)
            status, body, keeps = self.receive(is_head)
            seconds = time.perf_counter() - begin
        except (ConnectionError, EOFError):
            self.close()
            if fresh:
                raise
            return self.exchange(request, is_head)  # the server had closed an idle connection
        if not keeps:
            self.close()
        return seconds, status, body

    def read_some(self):
        n = self.socket.recv_into(self.room)
        if n == 0:
            raise EOFError("the server hung up")
        return memoryview(self.room)[:n]

    def receive(self, is_head):
        data = bytearray()
        while (end := data.find(b"\r\n\r\n")) < 0:
            data += self.read_some()
        lines = bytes(data[:end]).decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ", 2)[1])
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        keeps = headers.get("connection", "").lower() != "close"
        rest = data[end + 4:]
        if is_head or status in (204, 304):
            return status, b"", keeps
        if headers.get("transfer-encoding", "").lower() == "chunked":
            return status, self.receive_chunks(rest), keeps
        if "content-length" not in headers:
            return status, self.receive_all(rest), False
        length = int(headers["content-length"])
        while len(rest) < length:
            rest += self.read_some()
        return status, bytes(rest), keeps

    def receive_all(self, rest):
        try:
            while True:
                rest += self.read_some()
        except EOFError:
            return bytes(rest)

    def receive_chunks(self, rest):
        body = bytearray()
        while True:
            while (end := rest.find(b"\r\n")) < 0:
                rest += self.read_some()
            size = int(bytes(rest[:end]).split(b";")[0], 16)
            while len(rest) < end + 2 + size + 2:
                rest += self.read_some()
            body += rest[end + 2:end + 2 + size]
            rest = rest[end + 2 + size + 2:]
            if size == 0:
                return bytes(body)

    def call(self, method, path, body=None):
        """The reply as a value; Refused when the status is an error."""
        return self.timed(self.request_bytes(method, path, body))[1]

    def timed(self, request):
        """(seconds, reply as a value); Refused when the status is an error."""
        seconds, status, body = self.exchange(request)
        try:
            reply = json.loads(body) if body else {}
        except ValueError:
            reply = body.decode("utf-8", "replace")
        if status >= 400:
            raise Refused(status, reply)
        return seconds, reply
