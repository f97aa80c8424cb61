"""The Croissant file of a release: it describes each table that is there, and is the same for the same release."""

import json
from pathlib import Path
from typing import Any

import pytest
from run_folder import assembled_release, compare_with_golden

from gleanery.pipeline.settings import BenchmarkSettings, OptoutSettings, Settings
from gleanery.records.tables import TABLES
from gleanery.release.croissant import CROISSANT, write_croissant

GOLDEN = Path(__file__).parent / "golden" / "release"
# Their values are records of their own.
NESTED = {"license_conclusions": {"claims", "evidence"}}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return assembled_release(tmp_path_factory.mktemp("croissant"))


def described(release: Path, settings: Settings) -> tuple[str, dict[str, Any]]:
    write_croissant(release, settings.public(), "permissive@1")
    text = (release / CROISSANT).read_text("utf-8")
    return text, json.loads(text)


def test_the_file_is_the_golden_one(release: Path) -> None:
    settings = Settings(optout=OptoutSettings(registry="optout.sqlite", contact="https://optout.example.org"))
    compare_with_golden(GOLDEN / CROISSANT, described(release, settings)[0])


def test_every_table_of_the_release_is_described_with_every_column(release: Path) -> None:
    _, found = described(release, Settings())
    sets = {records["name"]: records for records in found["recordSet"]}
    assert set(sets) == {folder.name for folder in (release / "tables").iterdir()} | {"docs"}
    files = {files["@id"]: files["includes"] for files in found["distribution"]}
    for name, records in sets.items():
        columns = {column.name: column for column in TABLES[name].columns}
        fields = {field["name"]: field for field in records["field"]}
        assert set(columns) - set(fields) == NESTED.get(name, set())
        assert all(field["description"] == columns[column].meaning for column, field in fields.items())
        assert list(release.glob(files[f"{name}-files"]))
        assert {key["@id"] for key in records["key"]} <= {field["@id"] for field in records["field"]}


def test_the_licences_are_those_of_the_documents(release: Path) -> None:
    _, found = described(release, Settings())
    assert found["license"] == [
        "https://spdx.org/licenses/Apache-2.0.html",
        "https://spdx.org/licenses/BSD-3-Clause.html",
        "https://spdx.org/licenses/MIT.html",
    ]


def test_the_benchmarks_that_were_left_out_are_named(release: Path) -> None:
    named = BenchmarkSettings(path="folder/mine.jsonl"), BenchmarkSettings(path="x.txt", name="HumanEval")
    _, found = described(release, Settings(benchmark=named))
    assert found["rai:dataPreprocessingProtocol"][-1] == (
        "Files that hold a problem of these benchmarks were left out: mine.jsonl, HumanEval."
    )
    assert "benchmarks" not in described(release, Settings())[0].partition('"distribution"')[0]


def test_a_contact_is_text_and_what_is_not_set_is_not_said(release: Path) -> None:
    hostile = 'a"}], "@id": "b\\ \n'
    _, found = described(release, Settings(optout=OptoutSettings(contact=hostile)))
    assert found["rai:dataReleaseMaintenancePlan"].endswith(f"Owners turn to: {hostile}")
    assert "Owners turn to" not in described(release, Settings())[0]
