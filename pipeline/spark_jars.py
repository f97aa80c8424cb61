"""What the Spark engines need of Java: the jars of Beam's Spark runner, and a jar of two classes that start it.

In: the list of jars with their digests, and two sources beside this file. Out: a folder of jars, and one more jar.
Copying them with Maven takes minutes and 303 MB (260 jars, each checked by its SHA-256); compiling takes 1.5 s, once.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import zipfile
from importlib.resources import as_file, files
from pathlib import Path

from gleanery.pipeline.caches import user_cache, user_folder
from gleanery.records.errors import StopRun
from gleanery.records.files import write_bytes

_NO_TIME = (1980, 1, 1, 0, 0, 0)  # a jar of equal classes has equal bytes


def jar_folder() -> Path:
    """Where the jars are: GLEANERY_SPARK_JARS, else the user's cache folder."""
    given = os.environ.get("GLEANERY_SPARK_JARS")
    return Path(given) if given else user_folder() / "spark-jars"


def missing() -> str | None:
    """Why no Spark engine can run here, in one sentence, or None."""
    if shutil.which("java") is None:
        return "there is no java on the PATH; it needs Java 17"
    folder = jar_folder()
    absent = [name for name in _expected_jars() if not (folder / name).exists()]
    if absent:
        return (
            f"{len(absent)} of {len(_expected_jars())} jars are not in {folder}; `gleanery engines --fetch` gets them"
        )
    return None


def fetch_jars() -> Path:
    """Copy the jars with Maven and check each digest. Does nothing where they are there already."""
    folder = jar_folder()
    if shutil.which("mvn") is None:
        raise StopRun("there is no mvn on the PATH", "install Maven, or set GLEANERY_SPARK_JARS to a folder of jars")
    if any(not (folder / name).exists() for name in _expected_jars()):
        _run_maven(folder)
    for name, expected in _expected_jars().items():
        path = folder / name
        if not path.exists() or hashlib.sha256(path.read_bytes()).hexdigest() != expected:
            raise StopRun(f"{name} is missing or not the jar that was tested", f"remove {folder} and try again")
    return folder


def launcher_jar() -> Path:
    """The compiled classes, which are compiled when they are not in the cache yet."""
    beside = files("gleanery.pipeline").iterdir()
    texts = {entry.name: entry.read_bytes() for entry in beside if entry.name.endswith(".java")}
    digest = hashlib.sha256(repr([sorted(texts.items()), sorted(_expected_jars().items())]).encode()).hexdigest()
    jar = user_cache() / f"spark-launcher-{digest[:16]}.jar"
    if not jar.exists():
        jar.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(jar, _compiled(texts))
    return jar


def _compiled(texts: dict[str, bytes]) -> bytes:
    with tempfile.TemporaryDirectory(prefix="gleanery-java-") as scratch:
        for name, text in texts.items():
            Path(scratch, name).write_bytes(text)
        classes = Path(scratch, "classes")
        # The compiler is a module of the run-time package too, where there is no program `javac`.
        command = ["java", "-m", "jdk.compiler/com.sun.tools.javac.Main", "-nowarn", "-proc:none"]
        command += ["-d", str(classes), "-cp", os.pathsep.join(str(jar_folder() / name) for name in _expected_jars())]
        done = subprocess.run([*command, *(str(Path(scratch, name)) for name in texts)], capture_output=True, text=True)
        if done.returncode:
            why = next((line for line in done.stderr.splitlines() if line), "it said nothing")
            raise StopRun(f"Java could not compile what starts Spark: {why[:200]}", "install a JDK of Java 17")
        jar = Path(scratch, "launcher.jar")
        with zipfile.ZipFile(jar, "w") as archive:
            for path in sorted(classes.rglob("*.class")):
                entry = zipfile.ZipInfo(path.relative_to(classes).as_posix(), _NO_TIME)
                archive.writestr(entry, path.read_bytes())
        return jar.read_bytes()


def _expected_jars() -> dict[str, str]:
    lines = (files("gleanery.pipeline") / "spark_jars.sha256").read_text("ascii").splitlines()
    return {name: digest for digest, name in (line.split() for line in lines)}


def _run_maven(folder: Path) -> None:
    with as_file(files("gleanery.pipeline") / "spark_jars.xml") as project:
        command = ["mvn", "-q", "-B", "-f", str(project), "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    if done.returncode:
        raise StopRun("Maven could not copy the jars of the Spark runner", "see `mvn -f pipeline/spark_jars.xml`")
