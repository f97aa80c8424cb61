"""Settings are checked whole, and errors name the key, the value and the way out."""

from pathlib import Path

import pytest

from gleanery.pipeline.settings import Settings, load_settings, reference
from gleanery.records.errors import StopRun

SOURCE = '[[source]]\nkind = "pypi"\nlocator = "six"\n'


def _load(folder: Path, text: str) -> Settings:
    path = folder / "settings.toml"
    path.write_text(text, "utf-8")
    return load_settings(path)


def test_settings_survive_the_way_to_a_worker(tmp_path: Path) -> None:
    settings = _load(tmp_path, SOURCE + '[quality]\nlanguages = ["Python"]\nmean_line = 80\n')
    assert Settings.from_json(settings.to_json()) == settings
    assert settings.quality.languages == ("Python",)
    assert settings.quality.mean_line == 80.0


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (SOURCE + "[dedup]\ntreshold = 0.8\n", "no setting dedup.treshold", "did you mean dedup.threshold"),
        (SOURCE + '[dedup]\nthreshold = "high"\n', "dedup.threshold is 'high'", "of the type number"),
        (SOURCE + "[dedup]\nthreshold = 1.5\n", "dedup.threshold is 1.5", "at most 1"),
        (SOURCE + "[dedup]\nbands = 100\n", "600, over dedup.permutations", "lower bands"),
        (SOURCE + "[run]\npart_bytes = 0\n", "run.part_bytes is 0", "1024 or more"),
        (SOURCE + "[dedup]\nrows = 0\n", "dedup.rows is 0", "1 or more"),
        (SOURCE + "[crawl]\nmax_files = -1\n", "crawl.max_files is -1", "not negative"),
        (SOURCE + "[quality]\nlanguages = 'C'\n", "quality.languages is 'C'", "list of strings"),
        ('[[source]]\nkind = "svn"\nlocator = "x"\n', "source 1 has the kind 'svn'", "git, archive, pypi or npm"),
        ("", "names no source", "add a [[source]]"),
        ("[[source]\n", "not valid TOML", "examples/demo.toml"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_a_way_out(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    with pytest.raises(StopRun) as caught:
        _load(tmp_path, text)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_the_digest_leaves_out_what_cannot_change_a_result(tmp_path: Path) -> None:
    one = _load(tmp_path, SOURCE + '[run]\ncache = "here"\n')
    other = _load(tmp_path, SOURCE)
    assert one.digest() == other.digest()
    assert one.digest() != _load(tmp_path, SOURCE + "[dedup]\nthreshold = 0.8\n").digest()


def test_nothing_of_this_machine_is_public(tmp_path: Path) -> None:
    text = f'[[source]]\nkind = "git"\nlocator = "{tmp_path}/repo"\n[optout]\nregistry = "{tmp_path}/r.sqlite"\n'
    assert str(tmp_path) not in str(_load(tmp_path, text).public())


def test_every_key_has_a_meaning() -> None:
    assert all(meaning for _, _, _, meaning in reference())
    assert len(reference()) > 30


def test_the_demo_settings_are_valid() -> None:
    settings = load_settings(Path(__file__).parents[1] / "examples/demo.toml")
    assert len(settings.source) >= 25
