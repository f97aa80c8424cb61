"""What Google Cloud offers a job of Dataflow, on this machine: its store for what is staged, and the service for jobs.

A job's graph is taken from where it was staged, and done by Beam's own runner with Beam's own worker process, as it is
in a container of Dataflow; the processes do not see the folder `hidden`. What Google's machines do besides is not here.
"""

import contextlib
import http.server
import json
import os
import subprocess
import sys
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_MACHINE = """
import sys
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import python_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

graph = beam_runner_api_pb2.Pipeline.FromString(sys.stdin.buffer.read())
for environment in graph.components.environments.values():
    environment.urn = python_urns.SUBPROCESS_SDK
    environment.payload = f"{sys.executable} -m apache_beam.runners.worker.sdk_worker_main".encode()
    del environment.dependencies[:]
FnApiRunner().run_via_runner_api(graph, PipelineOptions([])).wait_until_finish()
"""


@dataclass
class Service:
    """Where it is; what was staged; and the jobs, as they were asked for, with their states."""

    address: str = ""
    objects: dict[str, bytes] = field(default_factory=dict)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    states: dict[str, str] = field(default_factory=dict)
    said: dict[str, str] = field(default_factory=dict)
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start(self, job: dict[str, Any], hidden: Path) -> dict[str, Any]:
        """Take a job, and begin with it."""
        name = f"job-{len(self.jobs)}"
        self.jobs.append(job)
        self.states[name] = "JOB_STATE_RUNNING"
        options = job["environment"]["sdkPipelineOptions"]["options"]
        staged = options.get("pipelineUrl") or job["environment"]["sdkPipelineOptions"]["pipelineUrl"]
        graph = self.objects[staged.removeprefix("gs://")]
        threading.Thread(target=self._do, args=(name, graph, hidden), daemon=True).start()
        return {"id": name, "currentState": "JOB_STATE_RUNNING", "name": job["name"]}

    def _do(self, name: str, graph: bytes, hidden: Path) -> None:
        away = ["unshare", "--mount", "sh", "-c", f"mount -t tmpfs none '{hidden}' && exec \"$@\"", "sh"]
        process = subprocess.Popen(
            [*away, sys.executable, "-c", _MACHINE],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
        )
        self.running[name] = process
        _, said = process.communicate(graph)
        self.said[name] = said.decode("utf-8", "replace")
        if self.states[name] == "JOB_STATE_RUNNING":
            self.states[name] = "JOB_STATE_FAILED" if process.returncode else "JOB_STATE_DONE"

    def cancel(self, name: str) -> None:
        """End a job."""
        self.states[name] = "JOB_STATE_CANCELLED"
        self.running[name].kill()


@contextlib.contextmanager
def dataflow_service(hidden: Path) -> Iterator[Service]:
    """Start it."""
    service = Service()

    class Handler(http.server.BaseHTTPRequestHandler):
        def _answer(self, plain: Any, status: int = 200, **headers: str) -> None:
            content = json.dumps(plain).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_GET(self) -> None:
            parts = urllib.parse.urlsplit(self.path).path.strip("/").split("/")
            if parts[:2] == ["storage", "v1"] and len(parts) == 4:
                self._answer({"kind": "storage#bucket", "name": parts[3]})
            elif parts[:2] == ["storage", "v1"]:
                name = f"{parts[3]}/{urllib.parse.unquote(parts[5])}"
                self._answer({"name": name}, 200 if name in service.objects else 404)
            elif parts[-1] == "messages":
                name = parts[-2]
                text = service.said.get(name, "")[-4000:] if service.states[name] == "JOB_STATE_FAILED" else ""
                said = {"id": "1", "time": "2026-11-30T00:00:00Z", "messageImportance": "JOB_MESSAGE_ERROR"}
                self._answer({"jobMessages": [said | {"messageText": text}] if text else []})
            else:
                self._answer({"id": parts[-1], "currentState": service.states[parts[-1]]})

        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urllib.parse.urlsplit(self.path)
            if parts.path.startswith("/upload/"):
                name = json.loads(content)["name"]
                bucket = parts.path.split("/")[5]
                self._answer({}, Location=f"{service.address}/uploads/{bucket}/{urllib.parse.quote(name)}")
            else:
                self._answer(service.start(json.loads(content), hidden))

        def do_PUT(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urllib.parse.urlsplit(self.path).path
            if path.startswith("/uploads/"):
                name = urllib.parse.unquote(path.removeprefix("/uploads/"))
                service.objects[name] = content
                self._answer({"name": name, "size": str(len(content))})
            else:
                service.cancel(path.rpartition("/")[2])
                self._answer({"id": path.rpartition("/")[2], "currentState": "JOB_STATE_CANCELLED"})

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        # Whoever asks this name, Beam does not take for Google, and looks up nothing there.
        service.address = f"http://localhost:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield service
        finally:
            for process in service.running.values():
                process.kill()
            server.shutdown()
