"""The registry: a rule follows only from a passed proof, and nothing that was written can be changed unseen."""

import dataclasses
import json
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule
from sqlalchemy.exc import SQLAlchemyError

from gleanery.optout import chain, engines, schema, transitions
from gleanery.optout.chain import entry_hash
from gleanery.optout.challenge import (
    LIFETIME,
    Challenge,
    Request,
    answer,
    content_digest,
    expected_digest,
    file_text,
    receipt_digest,
)
from gleanery.optout.copies import copy_registry
from gleanery.optout.matching import Matcher
from gleanery.optout.proof import RESULTS, ProofResult
from gleanery.optout.registry import Registry
from gleanery.records.errors import RejectRecord, StopRun

GOLDEN = Path(__file__).parent / "golden" / "optout"
NAMES = ["github.com/alice/lib", "gitlab.com/group/lib"]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_700_000_000

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def place(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'optout.sqlite'}"


@pytest.fixture
def registry(place: str) -> Iterator[Registry]:
    opened = Registry.open(place, clock=Clock())
    yield opened
    opened.close()


def proof_for(request: Request, receipt: str, code: str = "passed") -> ProofResult:
    return ProofResult(code, expected_digest(request, receipt), "c" * 40)


def verified(registry: Registry, name: str = NAMES[0]) -> tuple[Request, str]:
    made = registry.create_request(name)
    assert made.receipt
    return registry.settle(made.id, made.receipt, proof_for(made, made.receipt)), made.receipt


def taken_back(registry: Registry, request: Request, receipt: str) -> Request:
    asked = registry.withdraw(request.id, receipt)
    return registry.settle(request.id, receipt, proof_for(asked, receipt))


class OwnersAndOperators(RuleBasedStateMachine):
    """Owners file, prove, withdraw and wait in any order; the model knows only which own proofs have passed."""

    handles = Bundle("handles")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.registry = Registry.open(f"sqlite:///{self.folder.name}/optout.sqlite", clock=self.clock)
        self.standing: dict[str, str] = {}
        self.proven: set[str] = set()
        self.position = 0
        self.history: list[object] = []

    def teardown(self) -> None:
        self.registry.close()
        self.folder.cleanup()

    def get(self, handle: tuple[str, str]) -> Request:
        found = self.registry.get_request(*handle)
        assert found
        return found

    @rule(target=handles, name=st.sampled_from(NAMES))
    def file(self, name: str) -> tuple[str, str]:
        made = self.registry.create_request(name)
        assert made.receipt and made.state == "challenged"
        return made.id, made.receipt

    @rule(handle=handles)
    def prove(self, handle: tuple[str, str]) -> None:
        before = self.get(handle)
        open_now = before.challenge.state == "pending" and before.challenge.expires_at > self.clock.now
        try:
            after = self.registry.settle(*handle, proof_for(before, handle[1]))
        except RejectRecord:
            assert before.challenge.state != "pending"
            return
        if open_now and before.challenge.action == "block":
            assert after.state == "verified"
            self.proven.add(handle[0])
            self.standing[handle[0]] = before.repository
        elif open_now:
            assert after.state == "withdrawn"
            del self.standing[handle[0]]

    @rule(handle=handles, code=st.sampled_from(sorted(set(RESULTS) - {"passed"})))
    def fail(self, handle: tuple[str, str], code: str) -> None:
        before = self.get(handle)
        if before.challenge.state == "pending":
            self.registry.settle(*handle, proof_for(before, handle[1], code))

    @rule(handle=handles, other=handles)
    def prove_with_the_file_of_another_request(self, handle: tuple[str, str], other: tuple[str, str]) -> None:
        before, theirs = self.get(handle), self.get(other)
        if handle != other and before.challenge.state == "pending":
            after = self.registry.settle(*handle, proof_for(theirs, other[1]))
            assert after.state in (before.state, "rejected") and after.challenge.action == before.challenge.action

    @rule(handle=handles)
    def withdraw(self, handle: tuple[str, str]) -> None:
        before = self.get(handle)
        try:
            after = self.registry.withdraw(*handle)
        except RejectRecord:
            assert before.state in ("rejected", "withdrawn")
            return
        assert after.state == ("withdrawn" if before.state == "challenged" else before.state)

    @rule(handle=handles)
    def keep(self, handle: tuple[str, str]) -> None:
        assert self.registry.keep(*handle).state == self.get(handle).state

    @rule(handle=handles)
    def refuse(self, handle: tuple[str, str]) -> None:
        before = self.get(handle)
        try:
            self.registry.reject_request(handle[0])
        except RejectRecord:
            assert before.state != "challenged"

    @rule(days=st.integers(1, 8))
    def wait(self, days: int) -> None:
        self.clock.now += days * 86_400

    @rule()
    def expire(self) -> None:
        self.registry.expire_challenges()

    @rule()
    def run(self) -> None:
        self.registry.mark_applied(self.registry.position())

    @rule(handle=handles)
    def guess_the_receipt(self, handle: tuple[str, str]) -> None:
        assert self.registry.get_request(handle[0], handle[1][:-1] + "!") is None
        with pytest.raises(RejectRecord):
            self.registry.withdraw(handle[0], "")

    @invariant()
    def the_log_is_whole(self) -> None:
        self.registry.verify_log()

    @invariant()
    def positions_grow_and_rules_never_change(self) -> None:
        rules = self.registry.rules()
        assert self.registry.position() == len(rules) >= self.position
        assert self.registry.rules(self.position) == self.history == rules[: self.position]
        self.position, self.history = len(rules), list(rules)

    @invariant()
    def a_repository_is_blocked_exactly_while_a_proven_request_stands(self) -> None:
        matcher = Matcher(self.registry.rules())
        for name in NAMES:
            blocked = name in self.standing.values()
            assert (matcher.blocks_repository([name]) is not None) == blocked
            assert (self.registry.standing_rule(name) is not None) == blocked

    @invariant()
    def no_rule_without_a_proof(self) -> None:
        assert {rule.request_id for rule in self.registry.rules()} <= self.proven


OwnersAndOperators.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestOwnersAndOperators = pytest.mark.slow(OwnersAndOperators.TestCase)


def test_a_new_request_waits_for_its_file_and_blocks_nothing(registry: Registry) -> None:
    made = registry.create_request("https://github.com/Alice/Lib.git", "https://github.com/Alice/Lib.git")
    assert (made.repository, made.state, made.challenge.action) == ("github.com/alice/lib", "challenged", "block")
    assert made.challenge.expires_at - made.created_at == LIFETIME
    assert registry.rules() == [] and registry.position() == 0
    assert registry.standing_rule(made.repository) is None


def test_a_passed_proof_blocks_and_a_run_makes_it_applied(registry: Registry) -> None:
    request, receipt = verified(registry)
    assert (request.state, request.rule_seq) == ("verified", 1)
    assert registry.mark_applied(0) == 0
    assert registry.mark_applied(1) == 1
    found = registry.get_request(request.id, receipt)
    assert found and found.state == "applied"


def test_a_challenge_can_be_answered_once(registry: Registry) -> None:
    request, receipt = verified(registry)
    with pytest.raises(RejectRecord):
        registry.settle(request.id, receipt, proof_for(request, receipt))
    assert registry.position() == 1


def test_two_checks_at_the_same_time_make_one_rule(registry: Registry) -> None:
    made = registry.create_request(NAMES[0])
    assert made.receipt
    outcomes: list[str] = []

    def settle(receipt: str) -> None:
        try:
            outcomes.append(registry.settle(made.id, receipt, proof_for(made, receipt)).state)
        except RejectRecord as problem:
            outcomes.append(problem.code)

    threads = [threading.Thread(target=settle, args=(made.receipt,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["not_open"] * 5 + ["verified"]
    assert registry.position() == 1
    registry.verify_log()


def test_a_file_from_before_its_time_ran_out_is_too_late_afterwards(place: str) -> None:
    clock = Clock()
    registry = Registry.open(place, clock=clock)
    made = registry.create_request(NAMES[0])
    assert made.receipt
    clock.now += LIFETIME
    after = registry.settle(made.id, made.receipt, proof_for(made, made.receipt))
    assert (after.state, after.last_result, registry.position()) == ("rejected", "expired", 0)


def test_taking_back_needs_a_new_proof_for_the_same_repository(registry: Registry) -> None:
    request, receipt = verified(registry)
    asked = registry.withdraw(request.id, receipt)
    assert (asked.state, asked.challenge.action, asked.challenge.number) == ("verified", "unblock", 2)
    old = registry.settle(request.id, receipt, proof_for(request, receipt))
    assert old.state == "verified" and registry.standing_rule(NAMES[0])
    done = registry.settle(request.id, receipt, proof_for(asked, receipt))
    assert done.state == "withdrawn" and registry.standing_rule(NAMES[0]) is None
    assert [rule.action for rule in registry.rules()] == ["block", "unblock"]


def test_a_block_stays_while_another_owner_still_objects(registry: Registry) -> None:
    first, first_receipt = verified(registry)
    second, second_receipt = verified(registry)
    assert taken_back(registry, first, first_receipt).state == "withdrawn"
    assert registry.standing_rule(NAMES[0])
    assert taken_back(registry, second, second_receipt).state == "withdrawn"
    assert registry.standing_rule(NAMES[0]) is None


@pytest.mark.parametrize("times", [1, 2])
def test_a_block_by_the_operator_outlives_the_owner_taking_theirs_back(registry: Registry, times: int) -> None:
    request, receipt = verified(registry)
    for _ in range(times):
        registry.append_rule("repo", "https://github.com/Alice/Lib", "block")
    taken_back(registry, request, receipt)
    assert registry.standing_rule(NAMES[0])


def test_after_the_operator_took_a_block_back_the_request_stands_no_more_and_holds_up_nobody(
    registry: Registry,
) -> None:
    first, first_receipt = verified(registry)
    assert first.stands
    registry.append_rule("repo", NAMES[0], "unblock", lifting=[first.id])
    ended = registry.get_request(first.id, first_receipt)
    assert ended and ended.state == "verified" and not ended.stands
    assert registry.mark_applied(registry.position()) == 0
    with pytest.raises(RejectRecord):
        registry.withdraw(first.id, first_receipt)
    second, second_receipt = verified(registry)
    assert second.stands and registry.standing_rule(NAMES[0])
    assert taken_back(registry, second, second_receipt).state == "withdrawn"
    assert registry.standing_rule(NAMES[0]) is None


def test_objections_that_were_lifted_one_after_the_other_hold_up_nobody(registry: Registry) -> None:
    for _ in range(2):
        lifted, _receipt = verified(registry)
        registry.append_rule("repo", NAMES[0], "unblock", lifting=[lifted.id])
    for action in ("block", "unblock"):
        registry.append_rule("repo", NAMES[0], action)
    assert registry.standing_rule(NAMES[0]) is None


def test_a_withdrawal_that_the_operator_was_faster_with_writes_no_second_rule(registry: Registry) -> None:
    request, receipt = verified(registry)
    asked = registry.withdraw(request.id, receipt)
    registry.append_rule("repo", NAMES[0], "unblock", lifting=[request.id])
    registry.append_rule("repo", NAMES[0], "block")
    assert registry.settle(request.id, receipt, proof_for(asked, receipt)).state == "withdrawn"
    assert [rule.action for rule in registry.rules()] == ["block", "unblock", "block"]


def test_what_no_rule_blocks_cannot_be_unblocked(registry: Registry) -> None:
    registry.append_rule("owner", "github.com/alice", "block")
    for scope, value in (
        ("repo", "pypi/never"),
        ("repo", "github.com/alice/lib"),
        ("repo", "github.com/alice/lib.git"),
    ):
        with pytest.raises(RejectRecord, match="no rule with the scope repo blocks"):
            registry.append_rule(scope, value, "unblock")
    registry.append_rule("owner", "https://github.com/Alice", "unblock")
    with pytest.raises(RejectRecord):
        registry.append_rule("owner", "github.com/alice", "unblock")


def test_a_renamed_repository_is_blocked_and_freed_under_both_names(registry: Registry) -> None:
    old, new = "github.com/former/widgets", "github.com/present/widgets"
    made = registry.create_request(old)
    assert made.receipt
    proof = dataclasses.replace(proof_for(made, made.receipt), moved_to="https://github.com/Present/widgets.git")
    request = registry.settle(made.id, made.receipt, proof)
    assert request.state == "verified" and [rule.value for rule in registry.rules()] == [old, new]
    with pytest.raises(RejectRecord, match=made.id):
        registry.append_rule("repo", new, "unblock")
    other, other_receipt = verified(registry, new)
    assert taken_back(registry, other, other_receipt).state == "withdrawn" and registry.standing_rule(new)
    assert taken_back(registry, request, made.receipt).state == "withdrawn"
    assert not registry.standing_rule(old) and not registry.standing_rule(new)
    registry.verify_log()


@pytest.mark.parametrize("moved_to", [f"https://{NAMES[0]}.git", "https://gist.github.com/0123", None])
def test_an_address_that_names_nothing_else_makes_no_second_rule(registry: Registry, moved_to: str | None) -> None:
    made = registry.create_request(NAMES[0])
    assert made.receipt
    registry.settle(made.id, made.receipt, dataclasses.replace(proof_for(made, made.receipt), moved_to=moved_to))
    assert registry.position() == 1


def test_an_operator_takes_back_their_own_word_and_not_an_owners(registry: Registry) -> None:
    registry.append_rule("repo", NAMES[0], "block")
    (first, receipt), (second, _) = verified(registry), verified(registry)
    for named in ([], [second.id], ["0" * 16]):
        with pytest.raises(RejectRecord, match=first.id) as refused:
            registry.append_rule("repo", NAMES[0], "unblock", lifting=named)
        assert f"--request {first.id}" in refused.value.hint
    assert registry.position() == 3 and registry.standing_rule(NAMES[0])
    taken_back(registry, first, receipt)
    registry.append_rule("repo", NAMES[0], "unblock", lifting=[second.id])
    assert registry.standing_rule(NAMES[0]) is None


# A gist has been its account's since a later day than this registry's.
OLDER = "gist.github.com/alice/0123456789abcdef0123"
OLDER_AND_NEWER = [
    (OLDER, "github.com/alice/0123456789abcdef0123"),
    ("github.com/alice/lib.wiki", "github.com/alice/lib"),
    ("pypi.python.org/pypi/my_lib", "pypi/my-lib"),
]


def _written_earlier(registry: Registry, value: str) -> None:
    with registry._appending() as (connection, now):
        transitions.append_rule(connection, now, "repo", value, "block", None)


@pytest.mark.parametrize(("older", "newer"), OLDER_AND_NEWER)
@pytest.mark.parametrize("typed", [0, 1])
def test_a_rule_of_an_older_spelling_is_shown_and_can_be_taken_back(
    registry: Registry, older: str, newer: str, typed: int
) -> None:
    _written_earlier(registry, older)
    assert registry.standing_rule(older) == registry.standing_rule(newer) == registry.rules()[0]
    registry.append_rule("repo", (older, newer)[typed], "unblock")
    assert registry.standing_rule(newer) is None


def test_objections_of_older_spellings_outlive_one_that_is_taken_back(registry: Registry) -> None:
    _written_earlier(registry, OLDER)
    request, receipt = verified(registry, OLDER)
    assert taken_back(registry, request, receipt).state == "withdrawn"
    assert registry.standing_rule(OLDER) and Matcher(registry.rules()).blocks_repository([f"https://{OLDER}"])
    early, early_receipt = verified(registry, OLDER)
    late, _ = verified(registry, OLDER)
    with sa.create_engine(registry._engine.url).begin() as connection:
        connection.execute(schema.requests.update().where(schema.requests.c.id == early.id).values(repository=OLDER))
    registry.append_rule("repo", OLDER, "unblock", lifting=[early.id, late.id])
    found = registry.get_request(early.id, early_receipt)
    assert found and not found.stands and registry.standing_rule(OLDER) is None


def test_a_request_of_an_older_spelling_outlives_one_that_is_taken_back(registry: Registry) -> None:
    (early, _), (late, late_receipt) = verified(registry, OLDER), verified(registry, OLDER)
    with sa.create_engine(registry._engine.url).begin() as connection:
        connection.execute(schema.requests.update().where(schema.requests.c.id == early.id).values(repository=OLDER))
    assert taken_back(registry, late, late_receipt).state == "withdrawn"
    assert registry.standing_rule(OLDER)


@pytest.mark.parametrize(
    "address", ["http://gitlab/group/lib", "http://gitlab:8080/group/lib", "http://[2001:db8::1]/group/lib"]
)
def test_a_host_without_a_dot_has_rules_and_requests_like_any_other(registry: Registry, address: str) -> None:
    made = registry.create_request(address, address)
    registry.append_rule("repo", address, "block")
    value = registry.rules()[0].value
    assert registry.standing_rule(made.repository) == registry.standing_rule(address) == registry.rules()[0]
    registry.append_rule("repo", value, "unblock")
    assert registry.standing_rule(address) is None


def test_a_reader_of_the_log_waits_for_no_writer_and_a_writer_is_told_in_a_line(place: str) -> None:
    registry = Registry.open(place, wait=0)
    registry.append_rule("repo", NAMES[0], "block")
    other = sqlite3.connect(place.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    registry.verify_log()
    with pytest.raises(StopRun, match="another program is writing to it") as told:
        registry.mark_applied(1)
    assert "UPDATE" not in str(told.value) + told.value.hint and "BEGIN" not in str(told.value)
    other.execute("ROLLBACK")
    other.close()
    registry.mark_applied(1)
    registry.close()


def test_a_damaged_registry_is_told_in_a_line(place: str) -> None:
    opened = Registry.open(place)
    for number in range(200):
        opened.append_rule("repo", f"github.com/alice/lib{number}", "block")
    opened.close()
    file = Path(place.removeprefix("sqlite:///"))
    content = bytearray(file.read_bytes())
    content[4096 * 2 :] = b"\xff" * (len(content) - 4096 * 2)
    file.write_bytes(content)
    with pytest.raises(StopRun, match="cannot (open|use) the opt-out registry at /.*damaged") as told:
        Registry.open(place, create=False).rules()
    assert "SELECT" not in str(told.value)


def test_rules_as_of_a_position_are_what_they_were(registry: Registry) -> None:
    for number in range(5):
        registry.append_rule("owner", f"https://github.com/Owner{number}/", "block")
    then = registry.rules(3)
    registry.append_rule("owner", "github.com/owner0", "unblock")
    assert registry.rules(3) == then == registry.rules()[:3]
    assert registry.rules(0) == [] and registry.position() == 6


@pytest.mark.parametrize(
    ("scope", "value", "action"),
    [
        ("repo", "alice/lib", "block"),
        ("person", "alice", "block"),
        ("repo", "github.com/a/b", "ban"),
        ("blob", "x", "block"),
    ],
)
def test_a_rule_that_says_nothing_clear_is_not_written(registry: Registry, scope: str, value: str, action: str) -> None:
    with pytest.raises(RejectRecord):
        registry.append_rule(scope, value, action)
    assert registry.position() == 0


def test_neither_receipt_nor_token_of_a_form_is_stored_in_the_clear(registry: Registry, tmp_path: Path) -> None:
    made = registry.create_request(NAMES[0])
    assert made.receipt and len(made.receipt) >= 43 and made.receipt not in repr(made)
    registry.close()
    content = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert made.receipt.encode() not in content and receipt_digest(made.receipt).encode() in content


def test_the_challenge_file_reads_as_it_always_did() -> None:
    challenge = Challenge(1, "block", "invented-token", "Example Code Dataset", "pending", 0, LIFETIME)
    request = Request("0" * 16, NAMES[0], f"https://{NAMES[0]}", "challenged", None, None, None, 0, 0, challenge)
    text = file_text(request, "invented-receipt")
    digest = answer(request, "invented-receipt").partition(".")[2]
    assert text.replace(digest, "HASH") == (GOLDEN / "challenge_block.json").read_text()
    assert len(digest) == 43


def test_the_answer_is_bound_to_request_receipt_challenge_and_action() -> None:
    challenge = Challenge(1, "block", "invented-token", "d", "pending", 0, LIFETIME)
    request = Request("0" * 16, NAMES[0], "https://x", "challenged", None, None, None, 0, 0, challenge)
    others = [
        (request, "another receipt"),
        (dataclasses.replace(request, id="1" * 16), "receipt"),
        (dataclasses.replace(request, repository=NAMES[1]), "receipt"),
        (dataclasses.replace(request, challenge=dataclasses.replace(challenge, number=2)), "receipt"),
        (dataclasses.replace(request, challenge=dataclasses.replace(challenge, action="unblock")), "receipt"),
    ]
    assert len({answer(request, "receipt"), *(answer(*other) for other in others)}) == 6


# Tampering: somebody with the rights of the database's owner writes behind the registry's back.


def tamper(tmp_path: Path, *statements: str, table: str = "log") -> None:
    connection = sqlite3.connect(tmp_path / "optout.sqlite")
    for verb in ("update", "delete"):
        connection.execute(f"DROP TRIGGER {table}_no_{verb.upper()}")
    for statement in statements:
        assert connection.execute(statement).rowcount == 1
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        """UPDATE log SET body = replace(body, '"block"', '"unblock"') WHERE kind = 'rule'""",
        "UPDATE log SET at = at - 86400 WHERE seq = 2",
        "UPDATE log SET kind = 'note' WHERE seq = 3",
        "UPDATE log SET hash = previous WHERE seq = 4",
        "UPDATE log SET body = '[]' WHERE kind = 'rule'",
        "UPDATE log SET body = '{}' WHERE kind = 'rule'",
        "UPDATE log SET body = 'null' WHERE kind = 'rule'",
        "UPDATE log SET body = '{\"seq\":{}}' WHERE kind = 'rule'",
        "UPDATE log SET body = replace(hex(zeroblob(50000)), '0', '[') WHERE kind = 'rule'",
        "DELETE FROM log WHERE seq = 1",
        "DELETE FROM log WHERE seq = 3",
        "DELETE FROM log WHERE seq = (SELECT max(seq) FROM log)",
    ],
)
def test_an_edited_or_missing_entry_of_the_log_is_found(registry: Registry, tmp_path: Path, statement: str) -> None:
    verified(registry)
    registry.verify_log()
    tamper(tmp_path, statement)
    with pytest.raises(StopRun, match="not whole"):
        registry.verify_log()
    assert registry.history()


def test_an_entry_that_was_edited_and_given_a_fitting_hash_breaks_the_chain(registry: Registry, tmp_path: Path) -> None:
    registry.append_rule("repo", NAMES[0], "block")
    verified(registry, NAMES[1])
    first = registry.log_head()
    with sqlite3.connect(tmp_path / "optout.sqlite") as connection:
        _, at, kind, body, previous, _ = connection.execute("SELECT * FROM log WHERE seq = 1").fetchone()
    forged = entry_hash(1, at - 5, kind, body, previous)
    tamper(tmp_path, f"UPDATE log SET at = at - 5, hash = '{forged}' WHERE seq = 1")
    assert [problem.seq for problem in registry.log_problems()] == [2]
    assert registry.log_head() == first


def test_a_missing_last_entry_is_found_even_if_no_state_depends_on_it(registry: Registry, tmp_path: Path) -> None:
    made = registry.create_request(NAMES[0])
    assert made.receipt
    registry.settle(made.id, made.receipt, proof_for(made, made.receipt, "file_missing"))
    tamper(tmp_path, "DELETE FROM log WHERE seq = (SELECT max(seq) FROM log)")
    assert registry.log_problems()


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        ("rules", "UPDATE rules SET value = 'github.com/alice/other' WHERE seq = 1"),
        ("rules", "UPDATE rules SET action = 'unblock' WHERE seq = 1"),
        ("rules", "DELETE FROM rules WHERE seq = 1"),
        ("rules", "INSERT INTO rules VALUES (2, 'repo', 'github.com/alice/lib', 'unblock', NULL, 0)"),
        ("log", "UPDATE requests SET state = 'withdrawn'"),
    ],
)
def test_a_rule_or_state_that_was_not_logged_is_found(
    registry: Registry, tmp_path: Path, table: str, statement: str
) -> None:
    verified(registry)
    tamper(tmp_path, statement, table=table)
    assert registry.log_problems()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE requests SET repository = 'github.com/victim/lib'",
        "UPDATE requests SET clone_url = 'https://example.org/x'",
        "UPDATE requests SET receipt_sha256 = '00'",
        "UPDATE requests SET rule_seq = 2",
        "UPDATE challenges SET expires_at = 9999999999",
        "UPDATE challenges SET token = 't'",
        "UPDATE challenges SET state = 'pending'",
        "DELETE FROM challenges",
    ],
)
def test_a_request_that_says_something_else_than_its_log_is_found(
    registry: Registry, tmp_path: Path, statement: str
) -> None:
    verified(registry)
    registry.append_rule("repo", NAMES[1], "block")
    registry.verify_log()
    tamper(tmp_path, statement)
    assert registry.log_problems()


def test_a_request_of_an_older_log_is_compared_with_the_name_in_it(registry: Registry, tmp_path: Path) -> None:
    row = {"id": "0" * 16, "repository": NAMES[0], "clone_url": f"https://{NAMES[0]}", "receipt_sha256": "0"}
    with registry._appending() as (connection, now):
        values = {"state": "received", "created_at": now, "updated_at": now, **row}
        connection.execute(schema.requests.insert().values(**values))
        chain.append(connection, now, "request", {"request_id": row["id"], "repository": NAMES[0], "to": "received"})
    registry.verify_log()
    tamper(tmp_path, f"UPDATE requests SET repository = '{NAMES[1]}'")
    assert registry.log_problems()


@pytest.mark.parametrize("end", ["withdrawn", "expired", "refused"])
def test_what_was_never_proven_is_forgotten_after_a_month(place: str, tmp_path: Path, end: str) -> None:
    clock = Clock()
    registry = Registry.open(place, clock=clock)
    kept, kept_receipt = verified(registry, NAMES[0])
    made = registry.create_request("https://github.com/invented-person/invented-diary")
    assert made.receipt
    registry.count_visit("visit", 3600)
    registry.settle(made.id, made.receipt, proof_for(made, made.receipt, "file_missing"))
    if end == "withdrawn":
        registry.withdraw(made.id, made.receipt)
    elif end == "refused":
        registry.reject_request(made.id)
    clock.now += 29 * 86_400
    assert registry.forget() == 0
    clock.now += 9 * 86_400 if end != "expired" else 31 * 86_400
    assert registry.forget() == 1
    assert registry.forget() == 0
    assert registry.get_request(made.id, made.receipt) is None and registry.get_request(kept.id, kept_receipt)
    registry.verify_log()
    with sa.create_engine(place).connect() as connection:
        dump = "".join(str(connection.execute(sa.select(table)).all()) for table in schema.rules.metadata.sorted_tables)
    assert "invented-" not in dump and made.challenge.token not in dump and "visit" not in dump and NAMES[0] in dump
    commits = [json.loads(body)["commit"] for body in _bodies(place, "check")]
    assert commits == ["c" * 40, None]  # a commit tells which repository was meant
    for file in tmp_path.iterdir():
        assert b"invented-person" not in file.read_bytes(), file.name
    for column in ("requests.repository", "requests.clone_url", "requests.receipt_sha256", "challenges.token"):
        table, name = column.split(".")
        for before, after in (("", "invented"), ("invented", "")):
            with sa.create_engine(place).begin() as connection:
                connection.exec_driver_sql(f"UPDATE {table} SET {name} = '{after}' WHERE {name} = '{before}'")
            assert bool(registry.log_problems()) == bool(after), column
    registry.close()


def _bodies(place: str, kind: str) -> list[str]:
    query = sa.select(schema.log.c.body).where(schema.log.c.kind == kind).order_by(schema.log.c.seq)
    with sa.create_engine(place).connect() as connection:
        return list(connection.execute(query).scalars())


def test_forgetting_waits_for_no_reader_and_holds_up_no_writer(place: str, tmp_path: Path) -> None:
    clock = Clock()
    registry = Registry.open(place, clock=clock)
    made = registry.create_request("https://github.com/invented-person/invented-diary")
    assert made.receipt
    registry.withdraw(made.id, made.receipt)
    clock.now += 31 * 86_400
    reader = sqlite3.connect(tmp_path / "optout.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM log").fetchone()
    began = time.monotonic()
    assert registry.forget() == 1
    registry.append_rule("repo", NAMES[0], "block")
    assert time.monotonic() - began < 20
    reader.close()
    assert registry.forget() == 0
    assert all(b"invented-person" not in file.read_bytes() for file in tmp_path.iterdir())
    registry.close()


def test_the_log_tells_what_was_asked_and_what_came_of_it(registry: Registry) -> None:
    registry.append_rule("repo", "pypi/other", "block")
    request, receipt = verified(registry)
    registry.mark_applied(registry.position())
    taken_back(registry, request, receipt)
    registry.append_rule("owner", "github.com/alice", "block")
    closed = registry.create_request(NAMES[1])
    registry.reject_request(closed.id)
    told = registry.history("repo", "https://github.com/Alice/LIB.git")
    assert [entry.sentence for entry in told] == [
        "a block was asked for",
        "file 1 was handed out, to block",
        "waits for the file in the repository",
        f"the repository was checked: passed, at commit {'c' * 40}",
        "file 1 passed",
        "the file was found",
        "rule 2: block repo github.com/alice/lib",
        "a version was built that obeys it",
        "file 2 was handed out, to unblock",
        f"the repository was checked: passed, at commit {'c' * 40}",
        "file 2 passed",
        "the owner took it back",
        "rule 3: unblock repo github.com/alice/lib",
        "rule 4: block owner github.com/alice",
    ]
    assert {entry.request for entry in told} == {request.id, ""}
    assert [entry.sentence for entry in registry.history("repo", NAMES[1])][-2:] == [
        "closed by the operator",
        "file 1 is no longer valid",
    ]
    everything = registry.history()
    assert len(everything) == registry.log_head().entries
    for entry in everything:
        assert entry.hash == entry_hash(entry.seq, entry.at, entry.kind, entry.body, entry.previous)
    for value in ("github.com/nobody/none", "no name"):
        with pytest.raises(RejectRecord):
            registry.history("repo", value)


def test_entries_of_an_older_log_and_damaged_ones_are_told_too(registry: Registry) -> None:
    with registry._appending() as (connection, now):
        chain.append(connection, now, "challenge", {"request_id": "0" * 16, "action": "block"})
        for kind in ("request", "challenge", "check", "rule", "new kind"):
            chain.append(connection, now, kind, {})
    rule = registry.append_rule("repo", NAMES[0], "block")
    with registry._appending() as (connection, now):
        seq = chain.lock(connection).entries + 1
        values = {"at": now, "kind": "rule", "body": "no JSON", "previous": "", "hash": ""}
        connection.execute(schema.log.insert().values(seq=seq, **values))
    assert [entry.sentence for entry in registry.history()] == [
        "file was handed out, to block",
        "an entry that cannot be read",
        "file was changed",
        *["an entry that cannot be read"] * 3,
        f"rule {rule.seq}: block repo {NAMES[0]}",
        "an entry that cannot be read",
    ]
    assert len(registry.history("repo", NAMES[0])) == 1


def test_a_request_under_a_former_name_is_told_under_the_present_one(registry: Registry) -> None:
    made = registry.create_request(NAMES[0])
    assert made.receipt
    moved = dataclasses.replace(proof_for(made, made.receipt), moved_to="https://github.com/alice/new.git")
    registry.settle(made.id, made.receipt, moved)
    assert registry.history("repo", "github.com/alice/new") == registry.history("repo", NAMES[0])


def test_an_operator_sees_the_requests_and_closes_those_that_wait(registry: Registry) -> None:
    request, _ = verified(registry)
    waiting = registry.create_request(NAMES[1])
    states = {asked.repository: asked.state for asked in registry.requests()}
    assert states == {NAMES[0]: "verified", NAMES[1]: "challenged"}
    registry.reject_request(waiting.id)
    for number in (waiting.id, request.id, "0" * 16):
        with pytest.raises(RejectRecord, match="no request of this number waits"):
            registry.reject_request(number)


def test_while_very_many_are_forgotten_others_may_write(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    registry, other = Registry.open(place, clock=clock), Registry.open(place, clock=clock, wait=1)
    for number in range(5):
        registry.create_request(f"https://github.com/invented-person/diary-{number}")
    clock.now += 40 * 86_400
    registry.expire_challenges()
    clock.now += 40 * 86_400
    between = []
    monkeypatch.setattr("gleanery.optout.registry._AT_ONCE", 2)
    monkeypatch.setattr(time, "sleep", lambda _: between.append(other.count_visit("visit", 3600)[0]))
    assert registry.forget() == 5 and between == [1, 2, 3]
    registry.verify_log()
    registry.close()
    other.close()


@pytest.mark.parametrize("fault", ["changed", "not there", "itself"])
def test_a_registry_that_cannot_be_copied_whole_is_not_copied(
    registry: Registry, place: str, tmp_path: Path, fault: str
) -> None:
    registry.append_rule("repo", NAMES[0], "block")
    source, target = engines.checked_url(place), engines.address(str(tmp_path / "copy.sqlite"))
    if fault == "changed":
        tamper(tmp_path, "UPDATE log SET body = '{}'")
    elif fault == "not there":
        source = engines.address(str(tmp_path / "none.sqlite"))
    else:
        target = source
    with pytest.raises(StopRun) as stopped:
        copy_registry(source, target)
    assert stopped.value.hint
    assert not (tmp_path / "none.sqlite").exists() and not (tmp_path / "copy.sqlite").exists()


def test_a_copy_that_fails_half_way_is_no_registry(
    registry: Registry, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry.append_rule("repo", NAMES[0], "block")
    target = engines.address(str(tmp_path / "copy.sqlite"))
    checked = []

    def problems(*_: object) -> Iterator[chain.Problem]:
        checked.append(1)
        return iter([chain.Problem(None, "the disk lies")] if len(checked) == 2 else [])

    with monkeypatch.context() as patched:
        patched.setattr(chain, "problems", problems)
        with pytest.raises(StopRun, match="the disk lies"):
            copy_registry(engines.checked_url(place), target)
    with pytest.raises(StopRun, match="there is no opt-out registry"):
        Registry.open(target, create=False)
    assert copy_registry(engines.checked_url(place), target).position == 1


def test_every_change_of_a_challenge_is_logged(place: str) -> None:
    clock = Clock()
    registry = Registry.open(place, clock=clock)
    request, receipt = verified(registry)
    registry.withdraw(request.id, receipt)
    before = registry.log_head().entries
    registry.keep(request.id, receipt)
    assert registry.log_head().entries == before + 1
    registry.withdraw(request.id, receipt)
    clock.now += LIFETIME
    before = registry.log_head().entries
    assert registry.expire_challenges() == 1 and registry.log_head().entries == before + 1
    registry.verify_log()
    registry.close()


def test_a_log_that_was_rewritten_as_a_whole_is_found_by_a_head_that_was_noted(tmp_path: Path) -> None:
    heads = []
    for name in NAMES:
        registry = Registry.open(f"sqlite:///{tmp_path / name.replace('/', '-')}.sqlite", clock=Clock())
        verified(registry, name)
        heads.append(registry.log_head())
        registry.verify_log(heads[-1])
    assert heads[0].entries == heads[1].entries
    registry.append_rule("repo", NAMES[0], "block")
    registry.verify_log(heads[1])
    with pytest.raises(StopRun):
        registry.verify_log(heads[0])


@pytest.mark.parametrize("table", ["log", "rules"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET at = 0", "DELETE FROM {}", "INSERT OR REPLACE INTO {} SELECT * FROM {}"]
)
def test_the_database_itself_refuses_to_change_log_and_rules(place: str, table: str, statement: str) -> None:
    registry = Registry.open(place)
    registry.append_rule("repo", NAMES[0], "block")
    engine = sa.create_engine(place)
    with pytest.raises(SQLAlchemyError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(statement.replace("{}", table))
    registry.verify_log()


def test_a_step_that_fails_half_way_leaves_nothing_behind(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    made = registry.create_request(NAMES[0])
    assert made.receipt
    head = registry.log_head()
    monkeypatch.setattr("gleanery.optout.transitions.append_rule", lambda *_: json.loads("no"))
    with pytest.raises(ValueError):
        registry.settle(made.id, made.receipt, proof_for(made, made.receipt))
    found = registry.get_request(made.id, made.receipt)
    assert found and found.state == "challenged" and registry.log_head() == head
    registry.verify_log()


# Opening


def test_a_registry_is_the_same_after_it_was_closed(place: str) -> None:
    first = Registry.open(place)
    request, receipt = verified(first)
    secret = first.secret()
    first.close()
    second = Registry.open(place)
    assert second.get_request(request.id, receipt) == request
    assert second.position() == 1 and second.secret() == secret
    second.verify_log()


def test_several_processes_worth_of_writers_leave_no_gap(place: str) -> None:
    registries = [Registry.open(place) for _ in range(4)]

    def write(number: int) -> None:
        for index in range(10):
            registries[number].append_rule("repo", f"github.com/owner{number}/lib{index}", "block")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [rule.seq for rule in registries[0].rules()] == list(range(1, 41))
    registries[0].verify_log()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////no/such/folder/optout.sqlite",
        "optout.sqlite",
        "mysql://optout:swordfish@localhost/optout",
        "postgresql://optout:swordfish@127.0.0.1:1/optout",
        "postgresql://127.0.0.1:1/optout?user=optout&password=swordfish",
        "postgresql://optout:swordfish@127.0.0.1:port/optout",
    ],
)
def test_a_registry_that_cannot_be_opened_stops_the_run_and_keeps_the_password(url: str) -> None:
    with pytest.raises(StopRun) as stopped:
        Registry.open(url)
    error = stopped.value
    assert error.hint and "swordfish" not in error.message + error.hint
    assert error.__suppress_context__ or error.__context__ is None


def test_a_typing_error_does_not_pass_for_an_empty_registry(place: str, tmp_path: Path) -> None:
    with pytest.raises(StopRun, match="no opt-out registry"):
        Registry.open(place, create=False)
    assert not list(tmp_path.iterdir())
    Registry.open(place).close()
    assert Registry.open(place, create=False).position() == 0


@pytest.mark.parametrize("name", ["a?b.sqlite", "100%.sqlite", "a%20b #c.sqlite"])
def test_a_path_is_taken_to_the_letter(tmp_path: Path, name: str) -> None:
    Registry.open(engines.address(str(tmp_path / name))).close()
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_mode & 0o077 == 0


def test_a_registry_that_is_older_than_a_guard_gets_it_when_it_is_opened(place: str) -> None:
    Registry.open(place).close()
    with sa.create_engine(place).begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER rules_no_REPLACE")
    Registry.open(place, create=False).close()
    with sa.create_engine(place).begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'").scalar() == 6


def test_what_is_written_goes_into_the_file_that_stands_at_the_registrys_place(place: str, tmp_path: Path) -> None:
    registry = Registry.open(place)
    registry.append_rule("repo", NAMES[0], "block")
    file = tmp_path / "optout.sqlite"
    copy = sqlite3.connect(tmp_path / "copy.sqlite")
    with sqlite3.connect(file) as source:
        source.backup(copy)
    copy.close()
    for side in ("", "-wal", "-shm"):
        (tmp_path / f"optout.sqlite{side}").rename(tmp_path / f"old{side}")
    with pytest.raises(StopRun, match="no such file"):
        registry.append_rule("repo", NAMES[1], "block")
    assert not file.exists()
    (tmp_path / "copy.sqlite").rename(file)
    registry.append_rule("repo", NAMES[1], "block")
    other = Registry.open(place)
    assert [rule.value for rule in other.rules()] == NAMES
    registry.close()


def test_a_change_in_the_middle_of_which_the_file_is_replaced_is_not_taken_for_written(
    place: str, tmp_path: Path
) -> None:
    registry = Registry.open(place)
    with pytest.raises(StopRun, match="replaced meanwhile"), registry._appending():
        (tmp_path / "optout.sqlite").rename(tmp_path / "elsewhere")
    registry.close()


def test_a_registry_of_another_layout_is_not_touched(place: str) -> None:
    Registry.open(place).close()
    with sa.create_engine(place).begin() as connection:
        connection.execute(schema.head.update().values(layout="99"))
    with pytest.raises(StopRun, match="layout"):
        Registry.open(place)


def test_visits_are_counted_by_window_and_forgotten_after_two_days(place: str) -> None:
    clock = Clock()
    registry = Registry.open(place, clock=clock)
    clock.now -= clock.now % 3600
    assert [registry.count_visit("a", 3600) for _ in range(3)] == [(1, 3600), (2, 3600), (3, 3600)]
    assert registry.count_visit("b", 3600) == (1, 3600)
    clock.now += 3599
    assert registry.count_visit("a", 3600) == (4, 1)
    clock.now += 1
    assert registry.count_visit("a", 3600) == (1, 3600)
    clock.now += 3 * 86_400
    registry.count_visit("c", 3600)
    with sa.create_engine(place).connect() as connection:
        assert connection.execute(sa.select(schema.visits.c.bucket)).scalars().all() == ["c"]


def test_the_digest_of_a_file_is_that_of_its_bytes() -> None:
    assert content_digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
