"""Files that settings name and a person edits while a run goes on: a release is of one policy, and names it."""

import json
import shutil
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest

from gleanery.pipeline.given_files import with_kept_files
from gleanery.pipeline.progress import Progress
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import Settings, load_settings
from gleanery.pipeline.stage4_judge import policy_of
from gleanery.records.errors import StopRun
from gleanery.records.parquet import read_table
from gleanery.release.gate import gate, stop_if_failed
from gleanery.release.verify import verify


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    """A person's own policy file, as the packaged one is."""
    path = tmp_path / "policy.toml"
    path.write_bytes(resources.files("gleanery.licensing").joinpath("policy.toml").read_bytes())
    return path


def named(corpus: Path, policy: Path) -> Settings:
    """The settings of the small corpus with a policy file of its own."""
    settings = corpus.parent / f"{policy.parent.name}.toml"
    settings.write_text(corpus.read_text("utf-8") + f'[licensing]\npolicy = "{policy}"\n', "utf-8")
    return load_settings(settings)


def test_what_a_command_reads_is_what_was_there_when_it_began(corpus: Path, policy: Path, tmp_path: Path) -> None:
    settings = named(corpus, policy)
    kept = with_kept_files(settings, tmp_path / "run")
    before = policy_of(settings).version
    policy.write_text(policy.read_text("utf-8") + "# looked at again\n", "utf-8")
    assert policy_of(kept).version == before != policy_of(settings).version
    assert kept.digest() == settings.digest() and kept.public() == settings.public()
    assert policy_of(with_kept_files(settings, tmp_path / "run")).version == policy_of(settings).version
    assert len(list((tmp_path / "run/work/given").iterdir())) == 1
    assert with_kept_files(load_settings(corpus), tmp_path / "run") == load_settings(corpus)
    assert not list((tmp_path / "run/work/given").iterdir())


def test_overrides_and_a_tokenizer_are_kept_as_well(corpus: Path, tmp_path: Path) -> None:
    files = [tmp_path / "overrides.csv", tmp_path / "tokenizer.json"]
    for path in files:
        path.write_text("of the beginning", "utf-8")
    read = load_settings(corpus)
    settings = replace(
        read,
        licensing=replace(read.licensing, overrides=str(files[0])),
        shards=replace(read.shards, tokenizer=str(files[1])),
    )
    kept = with_kept_files(settings, tmp_path / "run")
    for path in files:
        path.write_text("edited", "utf-8")
    named = [Path(kept.licensing.overrides or ""), Path(kept.shards.tokenizer or "")]
    assert [path.name for path in named] == [path.name for path in files]
    assert [path.read_text("utf-8") for path in named] == ["of the beginning"] * 2


@pytest.mark.slow
def test_a_policy_that_is_laxer_for_a_minute_lets_nothing_through(
    corpus: Path, curated: Path, policy: Path, tmp_path: Path
) -> None:
    shutil.copytree(curated, tmp_path / "run")
    shutil.rmtree(tmp_path / "run/work/judge")
    settings, text = named(corpus, policy), policy.read_text("utf-8")
    lax = (
        text.replace('"GPL-3.0-only",', "")
        .replace('"GPL-3.0-or-later",', "")
        .replace('"MIT",', '"MIT", "GPL-3.0-or-later",', 1)
    )
    assert lax != text
    edits = iter((lax, text))

    def listen(progress: Progress) -> None:
        if progress.title.endswith(("judge", "sign")) and (edited := next(edits, None)):
            policy.write_text(edited, "utf-8")

    curate(settings, tmp_path / "run", workers=1, listener=listen)
    policies = {policy_of(settings).version}
    assert json.loads((tmp_path / "run/release/manifest.json").read_bytes())["policy"] in policies
    paths = sorted((tmp_path / "run/release/tables/decisions").glob("*.parquet"))
    decided = [row for path in paths for row in read_table(path).to_pylist()]
    assert {row["rule_version"] for row in decided if row["verdict"] == "kept"} == policies
    assert verify(tmp_path / "run/release").problems == ()


def test_a_release_whose_files_another_policy_allowed_is_stopped(curated: Path) -> None:
    stop_if_failed(gate(curated))
    other = "permissive@2026-01-01/sha256:000000000000"
    with pytest.raises(StopRun, match="decided_by_other_policies") as stopped:
        stop_if_failed(gate(curated, other))
    assert f"`gleanery audit decided_by_other_policies --set policy={other}`" in stopped.value.hint
