"""A gate stops no text in which a recogniser finds something, on any machine. All values here are invented."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gleanery.privacy.analyzer import ROOMS, Analyzer
from gleanery.privacy.gate import HyperscanGate, KeywordGate, make_gate

CONDITIONS = {name: condition for room in ROOMS for name, condition in room.GATES.items()}
# For each recogniser what it finds, in its usual form.
EXAMPLES = [
    "wilma@kiesgrube-ost.de",
    "wilma (at) kiesgrube-ost.de",
    "wilma at kiesgrube-ost dot de",
    "wilma at kiesgrube-ost (dot) de",
    "<wilma at kiesgrube-ost.de>",
    "Written by Wilma Feuerhahn",
    "Signed-off-by: Wilma Feuerhahn",
    "@author wilmaf",
    'authors = [ { name = "Wilma Feuerhahn" } ]',
    "\\author{Wilma Feuerhahn}",
    "© 2019 Wilma Feuerhahn",
    "作者 : 李小龙",
    "Wilma Feuerhahn <wilma@kiesgrube-ost.de>",
    "Wilma Feuerhahn (wilma at kiesgrube-ost.de)",
    "-----BEGIN RSA PRIVATE KEY----- " + "MIIBVwIBADANBgkqhkiG9w0BAQEF0123" * 2 + " -----END RSA PRIVATE KEY-----",
    "http://wilmaf:Birke7Zweig@kiesgrube-ost.de/x",
    "http://wilmaf:Birke@7Zweig@kiesgrube-ost.de/x",
    "db_password = 'Birke7Zweig'",
    "CREATE USER x IDENTIFIED BY 'Birke7Zweig'",
    "run --pwd Birke7Zweig --api-token 4b1d0f7ac93e5826be01f7d4a95c3e68",
    "Authorization: Bearer 4b1d0f7ac93e5826be01f7d4a95c3e68",
    "hosts: 93.184.77.12, 2a03:2880:f12f:83:face:b00c:0:25de",
    "/home/wilmaf/x C:\\Users\\wilmaf\\x file:///Users/wilmaf",
]
BLANKS = (" ", "\t", "  ", "\n", "\r\n", "\v", "\f", "\u00a0", "")
BRACKETS = ("()", "[]", "{}", "<>", "  ", "\t\t")


class OpenGate:
    """Stops nothing."""

    def passed(self, raw: bytes) -> frozenset[str]:
        return frozenset(CONDITIONS)


def analyzer(gate: object) -> Analyzer:
    made = Analyzer(keywords_only=True)
    made._gate = gate  # type: ignore[assignment]
    return made


OPEN, KEYWORDS, FASTEST = (analyzer(gate) for gate in (OpenGate(), KeywordGate(CONDITIONS), make_gate(CONDITIONS)))


@st.composite
def variants(draw: st.DrawFn) -> str:
    """An example with other blanks, brackets and capitals."""
    text = draw(st.sampled_from(EXAMPLES))
    pieces = text.split(" ")
    text = pieces[0] + "".join(draw(st.sampled_from(BLANKS)) + piece for piece in pieces[1:])
    if draw(st.booleans()):
        new = draw(st.sampled_from(BRACKETS))
        for old in BRACKETS[:4]:
            text = text.translate({ord(old[0]): new[0], ord(old[1]): new[1]})
    return draw(st.sampled_from((text, text.upper(), text.lower(), text.title())))


@given(variants(), st.sampled_from(("README.txt", "a.py", "settings.env")))
@example("wilma at kiesgrube-ost [dot] de", "README.txt")
@example("wilma at kiesgrube-ost (dot) de", "README.txt")
@example("Written\tby Wilma Feuerhahn", "README.txt")
@settings(max_examples=400)
def test_no_gate_stops_what_a_recogniser_would_find(text: str, path: str) -> None:
    expected = OPEN.find(text, path, None)
    assert KEYWORDS.find(text, path, None) == expected
    assert FASTEST.find(text, path, None) == expected


@pytest.mark.parametrize("text", EXAMPLES)
def test_each_example_of_a_gate_holds_something_to_find(text: str) -> None:
    assert OPEN.find(text, "README.txt", None)


def test_the_fast_gate_passes_nothing_that_keywords_rule_out() -> None:
    if isinstance(FASTEST._gate, HyperscanGate):
        for text in EXAMPLES:
            assert FASTEST._gate.passed(text.encode()) <= KEYWORDS._gate.passed(text.encode())
