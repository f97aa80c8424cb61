"""Analyzer: presidio-analyzer's engine, with recognisers made for code and nothing else in it.

In: a text, its path and its language. Out: hits in characters, none of which overlap. This is the only file that
imports presidio. Its engine gets no language model (the "language engine" hands out the bytes and the gate's answer
instead of tokens), no context enhancer, and none of its own recognisers, which were made for prose. Nothing here
opens a connection or writes a log. The engine itself costs 16 microseconds a text.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult
from presidio_analyzer.context_aware_enhancers import ContextAwareEnhancer
from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine

from gleanery.privacy import (
    assignments,
    author_files,
    author_lists,
    call_positions,
    call_values,
    change_logs,
    command_options,
    credential_files,
    encoded_keys,
    encoded_secrets,
    escapes,
    home_paths,
    key_fields,
    latex_authors,
    mail_addresses,
    marked_passwords,
    names_by_mail,
    network_addresses,
    people,
    private_keys,
    profile_links,
    provider_keys,
    revision_marks,
    session_cookies,
    unarmoured_keys,
    url_credentials,
)
from gleanery.privacy.gate import Condition, make_gate
from gleanery.privacy.hits import Hit, settle
from gleanery.privacy.placeholders import Marks
from gleanery.privacy.source import Source, source_of

ROOMS: tuple[ModuleType, ...] = (
    private_keys,
    encoded_keys,
    unarmoured_keys,
    encoded_secrets,
    provider_keys,
    key_fields,
    assignments,
    call_values,
    call_positions,
    command_options,
    credential_files,
    session_cookies,
    url_credentials,
    mail_addresses,
    marked_passwords,
    network_addresses,
    home_paths,
    revision_marks,
    people,
    change_logs,
    names_by_mail,
    author_files,
    author_lists,
    latex_authors,
    profile_links,
)
# Those that look for whole words read a text without its escapes too.
WHOLE_WORDS = (provider_keys, network_addresses, home_paths, people)
_LANGUAGE = "en"  # presidio wants one; our recognisers do not care


class Analyzer:
    """Finds what has to be replaced. `keywords_only` chooses the gate that runs on every machine."""

    def __init__(self, keywords_only: bool = False) -> None:
        self._gate = make_gate(_conditions(), keywords_only)
        self._engine = AnalyzerEngine(
            registry=RecognizerRegistry(
                recognizers=[_Recogniser(room) for room in ROOMS], supported_languages=[_LANGUAGE]
            ),
            nlp_engine=_NoLanguage(),
            context_aware_enhancer=_NoContext(),
            supported_languages=[_LANGUAGE],
        )

    def find(self, text: str, path: str, language: str | None) -> list[Hit]:
        """What stands in a text, in characters and in its order; hits do not overlap and touch no placeholder."""
        source = source_of(text, path, language)
        present = self._gate.passed(source.raw) if source.raw else frozenset()
        if not present:
            return []
        source, blanked = replace(source, present=present), None
        if escapes.NAME in present and (raw := escapes.without_escapes(source.raw)) != source.raw:
            blanked = replace(source, raw=raw, present=self._gate.passed(raw), strings={})
        results = self._engine.analyze(text, language=_LANGUAGE, nlp_artifacts=_Artifacts(source, blanked))
        hits = [_hit_of(result) for result in results]
        marks = Marks(text) if hits else None
        return settle(hit for hit in hits if marks and not marks.touch(hit.start, hit.end))


def _conditions() -> Mapping[str, Condition]:
    return {name: condition for room in (*ROOMS, escapes) for name, condition in room.GATES.items()}


def _hit_of(result: RecognizerResult) -> Hit:
    about = result.recognition_metadata
    return Hit(result.start, result.end, result.entity_type, about["rule"], result.score, about["group"])


class _Artifacts(NlpArtifacts):
    """What a language engine would hand to the recognisers: here the text made ready, and with blanks for escapes."""

    def __init__(self, source: Source, blanked: Source | None = None) -> None:
        super().__init__([], [], [], [], None, _LANGUAGE)  # type: ignore[arg-type]  # no tokens, hence no spaCy Doc
        self.source, self.blanked = source, blanked


class _NoLanguage(NlpEngine):
    """No tokens, no model, nothing to download. `process_text` is never reached: the artifacts are handed in."""

    def load(self) -> None:
        return None

    def is_loaded(self) -> bool:
        return True

    def process_text(self, text: str, language: str) -> NlpArtifacts:
        return _Artifacts(source_of(text, "", None))

    def process_batch(
        self, texts: Iterable[str], language: str, batch_size: int = 1, n_process: int = 1, **_: Any
    ) -> Iterator[tuple[str, NlpArtifacts]]:
        for text in texts:
            yield text, self.process_text(text, language)

    def is_stopword(self, word: str, language: str) -> bool:
        return False

    def is_punct(self, word: str, language: str) -> bool:
        return False

    def get_supported_entities(self) -> list[str]:
        return []

    def get_supported_languages(self) -> list[str]:
        return [_LANGUAGE]


class _NoContext(ContextAwareEnhancer):
    """Leaves scores as they are: our recognisers look at the context themselves."""

    def __init__(self) -> None:
        super().__init__(0, 0, 0, 0)

    def enhance_using_context(self, text: str, raw_results: list[RecognizerResult], *_: Any, **__: Any) -> Any:
        return raw_results


class _Recogniser(EntityRecognizer):
    """One of our modules as presidio sees it."""

    def __init__(self, room: ModuleType) -> None:
        self._find = room.find
        self._gates = frozenset(room.GATES)
        self._reads_blanked = room in WHOLE_WORDS
        self._name: str = room.NAME
        super().__init__(supported_entities=list(room.ENTITIES), name=room.NAME, supported_language=_LANGUAGE)

    def load(self) -> None:
        return None

    def analyze(self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts) -> list[RecognizerResult]:
        assert isinstance(nlp_artifacts, _Artifacts)
        source, blanked = nlp_artifacts.source, nlp_artifacts.blanked
        hits = set(self._find(source)) if self._gates & source.present else set()
        if self._reads_blanked and blanked and self._gates & blanked.present:
            hits.update(self._find(blanked))  # its bytes stand where those of the source do
        return [self._result(hit) for hit in source.in_characters(hits)] if hits else []

    def _result(self, hit: Hit) -> RecognizerResult:
        about = {
            RecognizerResult.RECOGNIZER_NAME_KEY: self._name,
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
            "rule": hit.rule,
            "group": hit.group,
        }
        return RecognizerResult(hit.entity, hit.start, hit.end, hit.score, recognition_metadata=about)
