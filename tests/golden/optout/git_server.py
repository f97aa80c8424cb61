"""A small git host for the tests: `python git_server.py FOLDER` serves the bare repositories below it over http.

It writes its port as the first line of its output, and one line for each request to `requests.txt` in the folder.
/adds/... answers with a redirect that only adds .git, /moved/... answers with a redirect to the same path without /moved, /away/... with one to another host, /door/... with one to a page, /slow/... never ends, and /plain/... hands out
plain files, as a host without the git program does. Everything else goes to git's own http-backend.
"""

import os
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(sys.argv[1]).resolve()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with open(ROOT / "requests.txt", "a") as log:
            log.write(f"{self.command} {self.path} {self.headers.get('Host')}\n")
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path.startswith("/slow/"):
            time.sleep(60)
        elif path.startswith("/adds/") and ".git/" not in path:
            self.answer(301, [("Location", self.path.replace("/info/refs", ".git/info/refs"))], b"")
        elif path.startswith("/away/"):
            self.answer(302, [("Location", "http://localhost:1" + self.path.removeprefix("/away"))], b"")
        elif path.startswith("/door/"):
            self.answer(302, [("Location", "/sign-in")], b"")
        elif path.startswith("/moved/"):
            self.answer(302, [("Location", self.path.removeprefix("/moved"))], b"")
        elif path.startswith("/plain/"):
            file = ROOT / path.removeprefix("/plain/")
            self.answer(*((200, [], file.read_bytes()) if file.is_file() else (404, [], b"")))
        else:
            self.answer(*self.backend(path.removeprefix("/adds"), query, body))

    do_POST = do_GET

    def backend(self, path: str, query: str, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        fixed = {"GIT_PROJECT_ROOT": str(ROOT), "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_ADDR": "127.0.0.1"}
        asked = {"PATH_INFO": path, "QUERY_STRING": query, "REQUEST_METHOD": self.command}
        headers = {
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        # The repositories may belong to another user than the server's.
        trust = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
        environment = {"PATH": os.environ["PATH"], **fixed, **asked, **headers, **trust}
        made = subprocess.run(["git", "http-backend"], input=body, env=environment, capture_output=True).stdout
        head, _, content = made.partition(b"\r\n\r\n")
        pairs = [line.partition(": ")[::2] for line in head.decode().split("\r\n") if line]
        status = next((int(value.split()[0]) for name, value in pairs if name == "Status"), 200)
        return status, [pair for pair in pairs if pair[0] != "Status"], content

    def answer(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        return None


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()
