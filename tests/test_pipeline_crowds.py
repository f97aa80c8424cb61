"""Crowds in a whole run: many permissive copies of one forbidden file, of which none may be released."""

import hashlib
import random
import re
from collections import Counter
from pathlib import Path

from small_corpus import GPL, MIT, code, make_repository

from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import load_settings
from gleanery.records.parquet import read_table

NAMES = re.compile(r"[a-z]+_[a-z]+_\d+")


def _renamed(text: str, number: int) -> str:
    """The same text with other names."""
    names = {word: f"v{number}n{place}" for place, word in enumerate(sorted(set(NAMES.findall(text))))}
    return NAMES.sub(lambda found: names[found[0]], text)


def _sources(folder: Path, repositories: dict[str, dict[str, str]]) -> str:
    """Repositories, each from ten years after the one before, and the settings that name them."""
    for place, (name, files) in enumerate(repositories.items()):
        make_repository(folder / name, 2000 + 10 * place, files)
    return "".join(f'[[source]]\nkind = "git"\nlocator = "{name}"\nname = "crowd/{name}"\n' for name in repositories)


def _run(folder: Path, name: str, settings: str, workers: int = 1) -> Path:
    (folder / f"{name}.toml").write_text(f"[shards]\nvocabulary = 600\n{settings}", "utf-8")
    curate(load_settings(folder / f"{name}.toml"), folder / name, workers=workers)
    return folder / name


def _reasons(run: Path, prefix: str = "") -> Counter[str]:
    """How many Python files whose path begins so have each reason."""
    found: Counter[str] = Counter()
    for path in sorted((run / "tables/decisions").glob("*.parquet")):
        for row in read_table(path, ["path", "reason"]).to_pylist():
            found[row["reason"]] += row["path"].startswith(prefix) and row["path"].endswith(".py")
    return +found


def _mit(**files: str) -> dict[str, str]:
    return {"LICENSE": MIT.format(year=2020, holder="Ada Invented")} | {f"{k}.py": v for k, v in files.items()}


def _tables(run: Path) -> dict[str, str]:
    """The digest of each file of the tables that depend on pairs."""
    names = ("signatures", "pairs", "clusters", "decisions")
    paths = [path for name in names for path in sorted((run / "tables" / name).glob("*.parquet"))]
    return {path.relative_to(run).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _with_another_number(text: str, number: int) -> str:
    """The same text with another number in one place."""
    places = list(re.finditer(r"(?<=[+*-] )\d+(?=,)", text))
    place = places[number % len(places)]
    return f"{text[: place.start()]}{10_000 + number}{text[place.end() :]}"


def _crowds() -> dict[str, dict[str, str]]:
    """A forbidden file of three kinds and an objecting one, and more permissive copies of each than are all compared.

    Of what stands inside others, a piece stands alone too, which is smaller and shares less than half; and forbidden
    pieces with code of their own, which stand inside nothing.
    """
    renamed, near, inside, objecting = code(500), code(501, 12), code(502, 16), code(503, 12)
    many = {"piece/a": "\n\n".join(inside.split("\n\n\n")[:11]) + "\n"}
    many |= {f"renamed/{n:03d}": _renamed(renamed, n) for n in range(70)}
    many |= {f"near/{n:03d}": _with_another_number(near, n) for n in range(140)}
    many |= {f"inside/{n:03d}": code(7000 + n, 16) + "\n\n" + inside for n in range(70)}
    many |= {f"objecting/{n:03d}": _with_another_number(objecting, n) for n in range(140)}
    forbidden = {"COPYING": GPL, "renamed.py": renamed, "near.py": near, "inside.py": inside}
    parts = inside.split("\n\n\n")
    for n in range(80):
        some = random.Random(n).sample(parts, 9)
        forbidden[f"pieces/{n:03d}.py"] = "\n\n\n".join([*some, code(4000 + n, 4)])
    owner = _mit(theirs=objecting) | {".dataset-optout.json": '{"opt_out": true}\n'}
    return {"owner": owner, "forbidden": forbidden, "many": _mit(**many)}


def test_what_was_taken_out_of_third_party_code_under_another_licence_is_not_released(tmp_path: Path) -> None:
    library = {
        f"third_party/library/{name}": text for name, text in {"COPYING": GPL, "taken.py": code(900, 12)}.items()
    }
    mixed = _mit(**{"src/taken": library["third_party/library/taken.py"], "src/own": code(901, 12)}) | library
    run = _run(tmp_path, "run", _sources(tmp_path, {"mixed": mixed}))
    assert _reasons(run, "src/taken") == {"restricted_twin": 1}
    assert _reasons(run, "src/own") == {"kept": 1}


def test_no_copy_of_a_forbidden_file_is_released_for_having_many_others(tmp_path: Path) -> None:
    repositories = _crowds()
    every = _sources(tmp_path, repositories)
    zero = _run(tmp_path, "zero", every)
    assert _reasons(zero, "renamed/") == _reasons(zero, "inside/") == {"restricted_twin": 70}
    assert _reasons(zero, "near/") == {"restricted_twin": 140}
    assert _reasons(zero, "objecting/") == {"copy_of_opted_out": 140}
    # After a run in which nobody forbade them, and with more workers: then other pairs were looked at.
    before = _run(tmp_path, "before", every[every.rindex("[[source]]") :])
    assert _reasons(before, "renamed/") == {"kept": 70} and _reasons(before, "near/") == {
        "kept": 1,
        "near_duplicate": 139,
    }
    again = _run(tmp_path, "again", f'[run]\nprevious = "before"\n{every}', workers=2)
    assert _tables(again) == _tables(zero)


def test_of_many_renamed_copies_that_drop_one_is_released(tmp_path: Path) -> None:
    copies = _mit(**{f"copy_{n:03d}": _renamed(code(500), n) for n in range(70)})
    run = _run(tmp_path, "run", '[dedup]\nrenamed = "drop"\n' + _sources(tmp_path, {"many": copies}))
    assert _reasons(run) == {"kept": 1, "renamed_duplicate": 69}
