"""A real store of objects on this machine: S3Proxy, which speaks S3 and keeps objects in memory."""

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from maven_jars import maven_jars
from pyarrow.fs import FileSystem

from gleanery.pipeline.spark import end_group

_SOURCES = Path(__file__).parent / "s3"
ACCOUNT, SECRET = "a-test", "a-secret-of-a-test"


@contextlib.contextmanager
def object_store() -> Iterator[str]:
    """Start it, with a bucket whose address is given. Its jars (43 MB) are kept beside those of the Spark engine."""
    jars = maven_jars("s3-test-jars", _SOURCES, "S3Proxy")
    with tempfile.TemporaryDirectory(prefix="store-") as folder:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        settings = {
            "s3proxy.authorization": "aws-v4",
            "s3proxy.identity": ACCOUNT,
            "s3proxy.credential": SECRET,
            "s3proxy.endpoint": f"http://127.0.0.1:{port}",
            "jclouds.provider": "transient",
            "jclouds.identity": "none",
            "jclouds.credential": "none",
        }
        (properties := Path(folder, "properties")).write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
        command = ["java", "-Xmx256m", f"-Dlogback.configurationFile={_SOURCES / 'logback.xml'}", "-cp", f"{jars}/*"]
        with open(Path(folder, "log"), "wb") as log:
            process = subprocess.Popen(
                [*command, "org.gaul.s3proxy.Main", "--properties", str(properties)],
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,
            )
        try:
            for _ in range(600):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                    break
                time.sleep(0.1)
            else:
                raise AssertionError(Path(folder, "log").read_text("utf-8")[-2000:])
            query = f"scheme=http&endpoint_override=127.0.0.1:{port}&region=us-east-1"
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("AWS_ACCESS_KEY_ID", ACCOUNT)
                patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
                FileSystem.from_uri(f"s3://bucket?{query}&allow_bucket_creation=true")[0].create_dir("bucket")
                yield f"s3://bucket/runs?{query}"
        finally:
            end_group(process)
