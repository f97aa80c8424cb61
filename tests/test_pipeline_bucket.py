"""Runs on machines that share no disk: files come and go by a store of objects."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import spark_cluster
from object_store import object_store
from spark_cluster import Cluster
from test_pipeline_run import tree
from test_pipeline_spark import need_spark

from gleanery.pipeline.bucket import Bucket
from gleanery.pipeline.run import curate
from gleanery.pipeline.settings import Settings, load_settings


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with object_store() as address:
        yield address


@pytest.fixture(scope="module")
def driver_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that only the driver's machine sees."""
    return tmp_path_factory.mktemp("driver")


@pytest.fixture(scope="module")
def cluster(driver_folder: Path, store: str) -> Iterator[Cluster]:
    need_spark()
    if os.geteuid():
        pytest.skip("only root can give a process a disk of its own")
    with spark_cluster.cluster(driver_folder) as made:
        yield made


def cut_small(settings: Settings) -> Settings:
    """With parts so small that each step has some."""
    return replace(settings, run=replace(settings.run, part_bytes=4096))


@pytest.mark.slow
@pytest.mark.spark
def test_machines_without_a_common_disk_give_the_bytes_of_one_machine(
    corpus: Path, driver_folder: Path, tmp_path: Path, cluster: Cluster, store: str
) -> None:
    settings = cut_small(load_settings(corpus))
    curate(settings, tmp_path / "one", workers=2)
    curate(settings, driver_folder / "run", engine=cluster.master, bucket=store)
    assert tree(driver_folder / "run") == tree(tmp_path / "one")
    assert not Bucket(store).sizes("")
