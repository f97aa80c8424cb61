"""Settings are checked whole, and errors name the key, the value and the way out."""

from pathlib import Path

import pytest

from gleanery.pipeline.run import curate
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
        (SOURCE + "[crawl]\nseconds = 0\n", "crawl.seconds is 0", "give 1 or more"),
        (SOURCE + "[licensing]\nseconds = 0\n", "licensing.seconds is 0", "give 1 or more"),
        (SOURCE + "[dedup]\nbands = 100\n", "600, over dedup.permutations", "lower bands"),
        (
            SOURCE + '[run]\nshared_scans = "s3://u:p@team/scans"\n',
            "run.shared_scans is an address (s3://...)",
            "mount",
        ),
        (SOURCE + '[run]\ncache = "gs://team/cache"\n', "run.cache is an address", "give a local path"),
        (SOURCE + '[run]\nprevious = "hdfs://team/run"\n', "run.previous is an address", "give a local path"),
        (SOURCE + '[licensing]\npolicy = "https://team/p.toml"\n', "licensing.policy is an address", "local path"),
        (SOURCE + "[run]\npart_bytes = 0\n", "run.part_bytes is 0", "1024 or more"),
        (SOURCE + "[dedup]\nrows = 0\n", "dedup.rows is 0", "1 or more"),
        (SOURCE + "[crawl]\nmax_files = -1\n", "crawl.max_files is -1", "not negative"),
        (SOURCE + "[quality]\nlanguages = 'C'\n", "quality.languages is 'C'", "list of strings"),
        ('[[source]]\nkind = "svn"\nlocator = "x"\n', "source 1 has the kind 'svn'", "git, archive, pypi, npm"),
        ("", "names no source", "add a [[source]]"),
        ('[source]\nkind = "git"\nlocator = "x"\n', "source is not a list of tables", "[[source]]"),
        ('source = ["x"]\n', "source is not a list of tables", "[[source]]"),
        (SOURCE + '[quality]\ntypes = ["programing"]\n', "quality.types has 'programing'", "programming"),
        (SOURCE + "[quality]\nmax_encoded = -1.0\n", "quality.max_encoded is -1.0", "not negative"),
        (SOURCE + "[quality]\nmin_letters = 25\n", "quality.min_letters is 25", "at most 1"),
        (SOURCE + "[dedup]\nnear_code = nan\n", "dedup.near_code is nan", "not negative"),
        (SOURCE + "[quality]\nmean_line = inf\n", "quality.mean_line is inf", "not negative"),
        (SOURCE + "[shards]\nvocabulary = 3\n", "shards.vocabulary is 3", "263 or more"),
        (SOURCE + "[shards]\ntrain_bytes = 0\n", "shards.train_bytes is 0", "1 or more"),
        (SOURCE + 'sha256 = "00"\n', "sha256, which is of archives only", "registry's own digest"),
        ("[[source]\n", "not valid TOML", "examples/demo.toml"),
        (SOURCE + SOURCE + "version = 1.17\n", "source 2: source.version is 1.17", "string"),
        (SOURCE + SOURCE + "verzion = '1'\n", "source 2: there is no setting source.verzion", "source.version"),
        (SOURCE + '[optout]\nregistry = ["pg://u:w@h/d"]\n', "optout.registry is an address in a list", "string"),
        (SOURCE + "[optout.registry]\npassword = 'x'\n", "optout.registry is a table", "string"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_a_way_out(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    with pytest.raises(StopRun) as caught:
        _load(tmp_path, text)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_the_ends_of_a_range_belong_to_it(tmp_path: Path) -> None:
    settings = _load(tmp_path, SOURCE + "[quality]\nmin_letters = 0\nmax_encoded = 1\n")
    assert (settings.quality.min_letters, settings.quality.max_encoded) == (0.0, 1.0)


def test_a_home_folder_of_nobody_is_named(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_text(SOURCE)
    with pytest.raises(StopRun, match="~nosuchuser17/x"):
        load_settings(path).path("~nosuchuser17/x")


def test_a_path_may_begin_with_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    folder = tmp_path / "project"
    folder.mkdir()
    settings = _load(folder, SOURCE)
    assert settings.path("~/cache") == tmp_path / "home/cache"
    assert settings.path("cache") == folder / "cache"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ('[quality]\nlanguages = ["python"]\n', "'python', which is no language", "did you mean 'Python'"),
        ('[quality]\nlanguages = ["Pyton"]\n', "'Pyton', which is no language", "as GitHub shows them"),
        ('[shards]\ntokenizer = "absent.json"\n', "no tokenizer", "from the settings file's folder"),
        ('[shards]\ntokenizer = "broken.json"\n', "tokenizer", ""),
        ('[shards]\nsentinels = ["starcodr"]\n', "no style 'starcodr'", "starcoder2"),
    ],
)
def test_what_cannot_be_done_stops_a_run_before_anything_is_fetched(
    tmp_path: Path, text: str, message: str, hint: str
) -> None:
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(StopRun) as caught:
        curate(_load(tmp_path, SOURCE + text), tmp_path / "run", workers=1)
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert not (tmp_path / "run/work").exists()


def test_the_digest_leaves_out_what_cannot_change_a_result(tmp_path: Path) -> None:
    one = _load(tmp_path, SOURCE + '[run]\ncache = "here"\n')
    other = _load(tmp_path, SOURCE)
    assert one.digest() == other.digest()
    assert one.digest() != _load(tmp_path, SOURCE + "[dedup]\nthreshold = 0.8\n").digest()


def test_nothing_of_this_machine_is_public(tmp_path: Path) -> None:
    text = f'''
        [[source]]
        kind = "git"
        locator = "{tmp_path}/repo"
        [[benchmark]]
        path = "{tmp_path}/problems.jsonl"
        [optout]
        registry = "{tmp_path}/r.sqlite"
        [run]
        cache = "{tmp_path}/cache"
        previous = "{tmp_path}/previous"
        [licensing]
        policy = "{tmp_path}/policy.toml"
        overrides = "{tmp_path}/overrides.csv"
        [shards]
        tokenizer = "{tmp_path}/tokenizer.json"
    '''
    told = str(_load(tmp_path, text).public())
    assert str(tmp_path) not in told
    assert all(name in told for name in ("problems.jsonl", "policy.toml", "overrides.csv", "tokenizer.json"))


def test_no_list_of_sources_can_be_tried_until_it_fits_what_is_public(tmp_path: Path) -> None:
    """Whoever knows all the others could else find out which repository was left out."""
    one, other = (_load(tmp_path, f'[[source]]\nkind = "npm"\nlocator = "{name}"\n') for name in ("left", "right"))
    assert one.public() == other.public() and one.digest() != other.digest()


def test_every_key_has_a_meaning() -> None:
    assert all(meaning for _, _, _, meaning in reference())
    assert len(reference()) > 30


def test_the_demo_settings_are_valid() -> None:
    settings = load_settings(Path(__file__).parents[1] / "examples/demo.toml")
    assert len(settings.source) >= 25


def test_a_settings_file_may_begin_with_the_mark_that_some_editors_write(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b'\xef\xbb\xbf[[source]]\r\nkind = "git"\r\nlocator = "x"\r\n')
    assert load_settings(path).source[0].locator == "x"
