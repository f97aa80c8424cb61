"""Crowds in a whole run: many permissive copies of one forbidden file, of which none may be released."""

import re
from collections import Counter
from pathlib import Path

from small_corpus import MIT, code, make_repository

from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import load_settings
from gleanery.records.parquet import read_table

NAMES = re.compile(r"[a-z]+_[a-z]+_\d+")


def _renamed(text: str, number: int) -> str:
    """The same text with other names."""
    names = {word: f"v{number}n{place}" for place, word in enumerate(sorted(set(NAMES.findall(text))))}
    return NAMES.sub(lambda found: names[found[0]], text)


def _run(folder: Path, repositories: dict[str, dict[str, str]], **dedup: str) -> Path:
    """Run some repositories, each from ten years after the one before, and say where."""
    sources = ""
    for place, (name, files) in enumerate(repositories.items()):
        make_repository(folder / name, 2000 + 10 * place, files)
        sources += f'[[source]]\nkind = "git"\nlocator = "{name}"\nname = "crowd/{name}"\n'
    options = "".join(f'{name} = "{value}"\n' for name, value in dedup.items())
    (folder / "settings.toml").write_text(f"[shards]\nvocabulary = 600\n[dedup]\n{options}{sources}", "utf-8")
    curate(load_settings(folder / "settings.toml"), folder / "run", workers=1)
    return folder / "run"


def _reasons(run: Path, prefix: str = "") -> Counter[str]:
    """How many Python files whose path begins so have each reason."""
    found: Counter[str] = Counter()
    for path in sorted((run / "tables/decisions").glob("*.parquet")):
        for row in read_table(path, ["path", "reason"]).to_pylist():
            found[row["reason"]] += row["path"].startswith(prefix) and row["path"].endswith(".py")
    return +found


def _mit(**files: str) -> dict[str, str]:
    return {"LICENSE": MIT.format(year=2020, holder="Ada Invented")} | {f"{k}.py": v for k, v in files.items()}


def test_of_many_renamed_copies_that_drop_one_is_released(tmp_path: Path) -> None:
    copies = _mit(**{f"copy_{n:03d}": _renamed(code(500), n) for n in range(70)})
    run = _run(tmp_path, {"many": copies}, renamed="drop")
    assert _reasons(run) == {"kept": 1, "renamed_duplicate": 69}
