"""A real store of objects on this machine: S3Proxy, which speaks S3 and keeps objects in memory."""

import contextlib
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow.fs import FileSystem

from gleanery.pipeline.spark import end_group
from gleanery.pipeline.spark_jars import jar_folder

_SOURCES = Path(__file__).parent / "s3"
ACCOUNT, SECRET = "a-test", "a-secret-of-a-test"


@contextlib.contextmanager
def object_store() -> Iterator[str]:
    """Start it, with a bucket whose address is given. Its jars (43 MB) are kept beside those of the Spark engine."""
    jars = jar_folder().parent / "s3-test-jars"
    if not jars.exists():
        command = ["mvn", "-q", "-B", "-f", str(_SOURCES / "pom.xml"), "dependency:copy-dependencies"]
        done = subprocess.run([*command, f"-DoutputDirectory={jars}.new"], capture_output=True, timeout=600)
        if done.returncode and not os.environ.get("CI"):
            pytest.skip("Maven could not copy the jars of S3Proxy")
        assert not done.returncode, done.stdout
        Path(f"{jars}.new").rename(jars)
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
