"""Licences end to end, on trees that real projects have: from git to the gate and the notices of a release."""

from pathlib import Path

import pytest
from small_corpus import GPL, MIT, code, make_repository

from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import load_settings
from gleanery.records.parquet import read_table
from gleanery.sql.questions import tables_of

LICENSE = MIT.format(year=2020, holder="Invented Authors")
HEAD = "# SPDX-License-Identifier: MIT\n"
FILES: dict[str, dict[str, str | bytes]] = {
    "workspace": {
        "LICENSE": LICENSE,
        "LICENSE-THIRD-PARTY": f"The library invented-lib, which this links to, is under this licence:\n\n{GPL}",
        "src/main.py": code(1),
        "parts/one/part.py": code(2),
        "parts/two/part.py": code(3),
    },
    "western": {
        "LICENSE": MIT.format(year=2020, holder="Jörg Müller").encode("latin-1"),
        "far.py": ("# Copyright (c) 2021 José Gómez\n" + HEAD + code(6)).encode("latin-1"),
    },
    "both": {"LICENSE": LICENSE, "COPYING": GPL, "head.py": HEAD + code(4), "silent.py": code(5)},
}
SETTINGS = "[shards]\nvocabulary = 600\n" + "".join(
    f'[[source]]\nkind = "git"\nlocator = "{name}"\nname = "ann/{name}"\n' for name in FILES
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run, so its gate has found nothing."""
    folder = tmp_path_factory.mktemp("licences")
    links = {"parts/one/LICENSE": "../../LICENSE", "parts/two/LICENSE": "../../../LICENSE"}
    for name, files in FILES.items():
        make_repository(folder / name, 2020, files, links=links if name == "workspace" else {})
    (folder / "settings.toml").write_text(SETTINGS, "utf-8")
    curate(load_settings(folder / "settings.toml"), folder / "run", workers=2)
    return folder / "run"


@pytest.mark.slow
def test_every_file_is_judged_as_its_owner_meant_it_and_the_gate_agrees(run: Path) -> None:
    decisions = [row for path in tables_of(run)["decisions"] for row in read_table(path).to_pylist()]
    assert {row["path"]: row["reason"] for row in decisions if row["path"].endswith(".py")} == {
        "src/main.py": "kept",
        "parts/one/part.py": "kept",  # its licence is a link to the root's
        "parts/two/part.py": "license_unknown",  # its licence is a link that leads out of the repository
        "far.py": "kept",
        "head.py": "kept",
        "silent.py": "license_not_allowed",
    }


@pytest.mark.slow
def test_owners_keep_their_letters_whatever_encoding_their_files_have(run: Path) -> None:
    kept = [row["copyrights"] for path in tables_of(run)["notices"] for row in read_table(path).to_pylist()]
    owners = {line for lines in kept for line in lines}
    assert {"Copyright (c) 2020 Jörg Müller", "Copyright (c) 2021 José Gómez"} <= owners
