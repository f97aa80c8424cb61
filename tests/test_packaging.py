"""The folders install as gleanery.*, completely and under no other name, and the wheel works elsewhere."""

import doctest
import importlib
import importlib.util
import pkgutil
import signal
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import small_corpus

ROOT = Path(__file__).parents[1]
DECLARED = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]
# Modules that only import with a package of an extra.
OF_EXTRAS = {"gleanery.shards.torch_data": "torch"}
ROOMS = sorted(name.removeprefix("gleanery.") for name in DECLARED["packages"])


def test_every_package_folder_is_declared() -> None:
    found = {f"gleanery.{path.parent.name}" for path in ROOT.glob("*/__init__.py")}
    assert found == set(DECLARED["packages"]) == set(DECLARED["package-dir"])


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_are_flat(room: str) -> None:
    assert not [path for path in (ROOT / room).rglob("*.py") if path.parent != ROOT / room]


@pytest.mark.parametrize("room", ROOMS)
def test_generic_names_stay_free(room: str, tmp_path: Path) -> None:
    code = f"import importlib.util as u; raise SystemExit(u.find_spec({room!r}) is not None)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path).returncode == 0


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_is_named_like_the_standard_library(room: str) -> None:
    names = {path.stem for path in (ROOT / room).glob("*.py")}
    assert not names & set(sys.stdlib_module_names) - {"__init__"}
    assert not names & {"utils", "helpers", "common", "base", "manager"}


@pytest.mark.parametrize("room", ROOMS)
def test_docstring_examples_are_true(room: str) -> None:
    package, before = importlib.import_module(f"gleanery.{room}"), signal.getsignal(signal.SIGHUP)
    for info in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        needed = OF_EXTRAS.get(info.name)
        if needed is not None and importlib.util.find_spec(needed) is None:
            continue  # `make test-torch` imports it
        assert doctest.testmod(importlib.import_module(info.name)).failed == 0
    signal.signal(signal.SIGHUP, before)  # one of them is for a process of its own, which ignores it


def test_every_module_says_what_comes_in_and_what_goes_out() -> None:
    short = []
    for room in ROOMS:
        for path in (ROOT / room).glob("*.py"):
            text = path.read_text("utf-8")
            if path.name != "__init__.py" and not ("In:" in text[:1500] and "Out:" in text[:1500]):
                short.append(path.relative_to(ROOT).as_posix())
    assert short == []


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_rooms_and_works_elsewhere(tmp_path: Path) -> None:
    wheel = _build_wheel(tmp_path)
    held = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("gleanery/")}
    wanted = {f"gleanery/{p.relative_to(ROOT).as_posix()}" for room in ROOMS for p in _product_files(ROOT / room)}
    assert wanted == held
    python = _installed_elsewhere(tmp_path, wheel)
    listed = subprocess.run(
        [python, "-m", "gleanery.pipeline.cli", "audit"], cwd=tmp_path, capture_output=True, text=True
    )
    assert listed.returncode == 0, listed.stderr
    assert "conservation" in listed.stdout
    _curates(python, tmp_path)


def _curates(python: str, folder: Path) -> None:
    """The installed wheel, and nothing of the checkout, takes the small corpus to a release that verifies."""
    settings = small_corpus.make(folder / "corpus")
    command = [python, "-m", "gleanery.pipeline.cli"]
    registry = ["--registry", str(settings.parent / "optout.sqlite")]
    for arguments in (
        ["optout", "block", "github.com/erin/private-matter", "--create", *registry],
        ["run", str(settings), "--out", "run", "--workers", "2", "--quiet"],
        ["verify", "run/release"],
    ):
        done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def _product_files(room: Path) -> list[Path]:
    return [p for p in room.iterdir() if p.is_file() and p.suffix != ".pyc"]


def _build_wheel(folder: Path) -> Path:
    """From a copy of what git tracks or would track, so that stale build folders cannot hide a fault."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (ROOT / name).is_file():
            target = folder / "source" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(folder / "dist")]
    subprocess.run([*command, str(folder / "source")], check=True, capture_output=True)
    return next((folder / "dist").glob("*.whl"))


def _installed_elsewhere(folder: Path, wheel: Path) -> str:
    """A virtual environment that has the wheel, and from here only the packages that it depends on."""
    venv.create(folder / "venv", with_pip=False)
    site = next((folder / "venv/lib").glob("python*/site-packages"))
    zipfile.ZipFile(wheel).extractall(site)
    dependencies = [p for p in sys.path if p.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(dependencies) + "\n", "utf-8")
    return str(folder / "venv/bin/python")
