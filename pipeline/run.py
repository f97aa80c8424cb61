"""The run driver: joins the stages, skips what is done, and enforces that nothing is lost.

In: settings and an output folder. Out: a run folder with all tables and a release, and a `Report`. Holds one lock on
the folder; a killed run is resumed by the same command and gives the same bytes. Orchestration costs about 0.06 s of
CPU a step on `local`, of which there are 28.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from gleanery.optout.registry import Rule
from gleanery.pipeline import stage1_crawl as s1
from gleanery.pipeline import stage3_cluster as s3
from gleanery.pipeline import stage4_select as s4
from gleanery.pipeline import stage5_redact as s5
from gleanery.pipeline import stage6_pack as s6
from gleanery.pipeline import stage7_release as s7
from gleanery.pipeline.bucket_driver import Relay, left_behind, stays_here
from gleanery.pipeline.crawl_again import read_again
from gleanery.pipeline.damage import refuse_damaged
from gleanery.pipeline.engine import Engine
from gleanery.pipeline.given_files import with_kept_files
from gleanery.pipeline.markers import Marker
from gleanery.pipeline.memory import PeakMemory
from gleanery.pipeline.optouts import answered_otherwise, write_names
from gleanery.pipeline.overrides import overrides_step, refuse_unclear
from gleanery.pipeline.pinned_rules import pinned_rules, refuse_newer_rules, settle_with_registry
from gleanery.pipeline.progress import Listener, Progress, watched
from gleanery.pipeline.run_folder import clean_temporary, locked
from gleanery.pipeline.settings import Settings
from gleanery.pipeline.shard import Task
from gleanery.pipeline.stage2_annotate import annotate_step
from gleanery.pipeline.stage2_benchmarks import benchmarks_step, finder_of
from gleanery.pipeline.stage2_conclude import conclude_step, spread_step
from gleanery.pipeline.stage3_sign import previous_tables
from gleanery.pipeline.stage4_judge import judge_step, policy_of, refuse_languages
from gleanery.pipeline.steps import (
    Step,
    finish,
    finished,
    first_error,
    forget,
    pending,
    read_marker,
    refused,
    step_fingerprint,
    sweep,
)
from gleanery.pipeline.trimming import restore, trimmed_steps
from gleanery.records.errors import REPORT_IT, StopRun
from gleanery.records.local_paths import local_path

# What one step keeps, another one takes: (from, to).
_CHAINS = (
    ("gather", "annotate"),
    ("crawl", "spread"),
    ("spread", "conclude"),
    ("spread", "judge"),
    ("judge", "group", "in"),
    ("group", "settle"),
    ("settle", "redact"),
    ("redact", "texts"),
    ("texts", "documents"),
    ("documents", "tokens"),
    ("tokens", "release"),
)


@dataclass
class Report:
    """What a run did: counts by step, and what it cost this time. Only the costs differ between two runs."""

    counts: dict[str, Mapping[str, int]] = field(default_factory=dict)
    notes: dict[str, Mapping[str, int]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    peak_bytes: int = 0
    remarks: tuple[str, ...] = ()  # what a person has to know of objections that were asked for, and of buckets

    @property
    def nothing_done(self) -> bool:
        """True if every step was finished before."""
        return not self.ran


def curate(
    settings: Settings,
    root: Path,
    engine: str = "local",
    workers: int | None = None,
    listener: Listener = lambda _: None,
    retry: bool = False,
    refresh_optout: bool = False,
    recrawl: bool = False,
    bucket: str = "",
) -> Report:
    """Run everything that is not done yet. Raises StopRun with a way out; what was done stays done.

    `retry` crawls again the sources that could not be read, `recrawl` all of them; what was read before of one that
    cannot be read now is kept. Whenever a source is to be fetched, the rules are those of the registry as it is now;
    else they stay as they were when the sources were read, unless `refresh_optout` asks for those of now.
    `bucket` is the address of one by which machines that share no disk hand files to each other.
    """
    # What is not valid stops the run before anything is fetched.
    root = local_path(root)
    refuse_unclear(settings, policy_of(settings))
    previous_tables(settings)
    refuse_languages(settings.quality.languages)
    s6.refuse_tokenizer(settings)
    finder_of(settings)
    with locked(root), PeakMemory() as memory, Engine(engine, workers, bucket) as runner:
        clean_temporary(root)
        pinned = pinned_rules(settings, root, refresh_optout, renew=retry or recrawl)
        if not pinned.is_new and _fetches(settings, root, pinned.rules):
            pinned = pinned_rules(settings, root, renew=True)
        rules, settings = pinned.rules, with_kept_files(settings, root)
        driver = _Driver(settings, root, runner, listener, Report(remarks=pinned.remarks), bucket)
        crawl = s1.crawl_step(settings, rules)
        named = answered_otherwise(settings, root, rules)
        read_again(root, crawl, step_fingerprint(crawl, {}), named, failed=retry, every=recrawl)
        for make in _plan(rules, root):
            driver.do(make(settings, driver.markers))
        settle_with_registry(settings, root, rules)
        driver.end()
        driver.report.peak_bytes = memory.peak
        if driver.report.ran:
            _journal(root, driver.report, engine)
        return driver.report


def _fetches(settings: Settings, root: Path, rules: Sequence[Rule]) -> bool:
    """Whether a source is still to be read: whoever objects before that is not fetched."""
    crawl = s1.crawl_step(settings, rules)
    done = read_marker(root, crawl, step_fingerprint(crawl, {})) is not None
    return not done or bool(answered_otherwise(settings, root, rules))


StepMaker = Callable[[Settings, Mapping[str, Marker]], Step]


def _plan(rules: Sequence[Rule], root: Path) -> Iterator[StepMaker]:
    """The steps in order. Each is made when the ones before are done, since its tasks may depend on them."""
    yield lambda settings, _: s1.crawl_step(settings, rules)
    yield lambda settings, markers: s1.gather_step(settings, markers, root)
    yield annotate_step
    yield spread_step
    yield conclude_step
    yield benchmarks_step
    yield lambda settings, _: overrides_step(settings, policy_of(settings), root)
    yield lambda settings, markers: _judge_step(settings, markers, rules, root)
    yield from s3.STEPS  # crowds are looked at with those in mind that bear witness
    yield s4.group_step
    yield s4.settle_step
    yield s4.decide_step
    yield s4.repositories_step
    yield s5.redact_step
    yield s5.texts_step
    yield s5.documents_step
    yield s6.tokenizer_step
    yield s6.tokens_step
    yield s6.index_step
    yield lambda settings, markers: _release_step(settings, markers, rules, root)


def _judge_step(settings: Settings, markers: Mapping[str, Marker], rules: Sequence[Rule], root: Path) -> Step:
    """The first step that decides, before which the names that the crawl learnt join those to be compared."""
    write_names(settings, root)
    return judge_step(settings, markers, rules, root)


def _release_step(settings: Settings, markers: Mapping[str, Marker], rules: Sequence[Rule], root: Path) -> Step:
    """The last step, before which the registry is asked once more: nothing is sealed that somebody objects to."""
    refuse_newer_rules(settings, root, rules)
    return s7.release_step(settings, markers, rules)


class _Driver:
    """Does one step after the other and keeps their markers."""

    def __init__(
        self, settings: Settings, root: Path, engine: Engine, listener: Listener, report: Report, bucket: str
    ) -> None:
        self.settings, self.root, self.engine = settings, root, engine
        self.listener, self.report = listener, report
        self.relay = Relay(bucket, root) if bucket else None
        engine.bucket = self.relay.address if self.relay else ""
        self.markers: dict[str, Marker] = {}
        self.steps: list[Step] = []
        self.trimmed = trimmed_steps(root)

    def do(self, step: Step) -> None:
        """Do what is missing of one step, and check its counts."""
        base = step_fingerprint(step, self.markers)
        marker = read_marker(self.root, step, base, self.trimmed)
        if marker is None and self.trimmed:
            self._restore()
        self.steps.append(step)
        if marker is None:
            start = time.monotonic()
            marker = self._run(step, base)
            self.report.ran.append(step.name)
            self.report.seconds[step.name] = time.monotonic() - start
        else:
            sweep(self.root, step, marker.outputs)
            self.listener(Progress(step.stage, step.title, len(step.tasks), len(step.tasks), skipped=True))
        self.markers[step.name] = marker
        self.report.counts[step.name] = marker.counts
        self.report.notes[step.name] = marker.notes
        self.report.cpu_seconds[step.name] = marker.cpu_ms / 1000
        self._check_chain(step.name)

    def _restore(self) -> None:
        """Make anew what the steps before handed on, and somebody let go of. It has the same bytes."""
        restore(self.root)
        self.trimmed, before, self.steps = frozenset(), self.steps, []
        for step in before:
            self.do(step)

    def _run(self, step: Step, base: str) -> Marker:
        todo = pending(self.root, step, base)
        if todo and step.name == "release":
            refuse_damaged(self.root, self.markers)
            s7.forget_notices(self.root)
        forget(self.root, step, todo)
        with watched(self.root, step, self.listener):
            if todo and self.relay is not None:
                self._by_relay(self.relay, step, base, todo)
            elif todo:
                self._on_engine(step, base, todo, self._for_tasks)
        return finish(self.root, step, base, self.markers)

    def _by_relay(self, relay: Relay, step: Step, base: str, todo: Iterable[Task]) -> None:
        """Do tasks whose files come and go by a bucket, and on this machine those that only it can do."""
        stays = stays_here(step, self.root, self.engine.worth)
        if here := [task for task in todo if stays(task)]:
            self._on_engine(step, base, here, self._for_tasks)
        away = [task for task in todo if not stays(task)]
        relay.take_in(step, base, away)
        away = [task for task in away if finished(self.root, step.name, task, base) is None]
        if len(away) == 1 and self.engine.worth is not None:  # no job is worth it
            self._on_engine(step, base, away, self._for_tasks)
        elif away:
            inputs = relay.hand_out(step, self.markers, self.settings)
            try:
                with relay.taking_in(step, base, away):
                    self._on_engine(step, base, away, relay.settings_away(self._for_tasks), inputs)
            except Exception as error:
                relay.take_in_errors(step, inputs)
                raise first_error(self.root, step) or error from error

    def end(self) -> None:
        """What went by a bucket is not needed any more; what an earlier command left in another one is told."""
        if self.relay is not None:
            self.relay.clear()
        self.report.remarks += tuple(left_behind(self.root))

    @property
    def _for_tasks(self) -> Settings:
        """The settings as tasks are told them: each names its own sources, of which a file may list a million.

        That there is a registry is told, and not where: its address may hold a password, and only the driver asks it.
        """
        optout = replace(self.settings.optout, registry="given" if self.settings.optout.registry else None)
        return replace(self.settings, source=(), optout=optout)

    def _on_engine(self, step: Step, base: str, todo: Iterable[Task], settings: Settings, inputs: str = "") -> None:
        try:
            self.engine.run(self.root, step, base, todo, settings.to_json(), inputs)
        except Exception as error:
            if _interrupted(error):
                raise KeyboardInterrupt from error
            # What a task said in its own words is clearer than what an engine makes of it.
            raise first_error(self.root, step) or self._refused(error) or error from error

    def _refused(self, error: Exception) -> StopRun | None:
        """What the system refused a task that could not even write its report. An engine tells it in its own words."""
        found = re.search(r"\[Errno (\d+)\]", str(error))
        return refused(OSError(int(found[1]), ""), self.root, self.settings) if found else None

    def _check_chain(self, name: str) -> None:
        for chain in _CHAINS:
            source, target = chain[:2]
            key = chain[2] if len(chain) > 2 else "kept"
            if target == name:
                given, taken = self.markers[source].counts[key], self.markers[target].counts["in"]
                if given != taken:
                    raise StopRun(f"{source} gave {given} records and {target} took {taken}", REPORT_IT)


def _interrupted(error: BaseException | None) -> bool:
    """Whether somebody stopped the run: an engine makes an error of its own of it."""
    return error is not None and (isinstance(error, KeyboardInterrupt) or _interrupted(error.__context__))


def _journal(root: Path, report: Report, engine: str) -> None:
    """Append what this run cost. The journal has the only clock, and no table or manifest depends on it."""
    entry = {
        "finished_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "engine": engine,
        "seconds": {k: round(v, 3) for k, v in report.seconds.items()},
        "peak_bytes": report.peak_bytes,
    }
    with open(root / "journal.jsonl", "a", encoding="utf-8") as file:
        file.write(json.dumps(entry, sort_keys=True) + "\n")
