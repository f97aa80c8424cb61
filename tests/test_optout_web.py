"""The page: it says what is true, changes something only for forms of its own, and echoes nothing unescaped."""

import contextlib
import logging
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi.testclient import TestClient

from gleanery.optout import connections, proof, web
from gleanery.optout.challenge import LIFETIME, content_digest
from gleanery.optout.connections import patient_protocol
from gleanery.optout.engines import RegistryAway
from gleanery.optout.pages import STATES, WAYS_OUT, stylesheet
from gleanery.optout.proof import RESULTS, ProofResult
from gleanery.optout.registry import FORGOTTEN_AFTER, Registry
from gleanery.optout.seldom import Seldom
from gleanery.optout.settings import Limit, WebSettings
from gleanery.optout.typed import as_seen
from gleanery.optout.web import create_app
from gleanery.records.errors import WrongArguments

GOLDEN = Path(__file__).parent / "golden" / "optout"
SITE = "https://optout.example.org"
SETTINGS = WebSettings(dataset="Example Code Dataset", contact="optout@example.org", public_url=SITE)
REPOSITORY = "https://github.com/Alice/Lib"


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    opened = Registry.open(f"sqlite:///{tmp_path / 'optout.sqlite'}")
    yield opened
    opened.close()


Visit = Callable[..., TestClient]


@pytest.fixture
def visit(registry: Registry) -> Visit:
    def client(settings: WebSettings = SETTINGS, address: str = "203.0.113.7") -> TestClient:
        made = TestClient(create_app(registry, settings), base_url=SITE, client=(address, 50_000))
        made.headers["sec-fetch-site"] = "same-origin"
        return made

    return client


def token_on(client: TestClient, path: str = f"/review?repository={REPOSITORY}") -> str:
    found = re.search(r'name="token" value="([0-9a-f]{64})"', client.get(path).text)
    assert found
    return found[1]


def file_request(client: TestClient, repository: str = REPOSITORY) -> str:
    """File a request; the path of its page."""
    form = {"repository": repository, "token": token_on(client)}
    answer = client.post("/requests", data=form, follow_redirects=False)
    assert answer.status_code == 303
    return str(answer.headers["location"])


@pytest.fixture
def outcome(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Decide how the next checks end: what a real host answers is tested in test_optout_proof.py."""

    def decide(code: str) -> None:
        def check_files(_url: str, _names: object, expected: str, **_: object) -> ProofResult:
            return ProofResult(code, content_digest(expected), "c" * 40)

        monkeypatch.setattr(proof, "check_files", check_files)

    return decide


def test_every_answer_carries_the_security_headers(visit: Visit) -> None:
    expected = dict(line.split(": ", 1) for line in (GOLDEN / "headers.txt").read_text().splitlines())
    client = visit()
    page = file_request(client)
    for path in ("/", "/blocked", "/healthz", "/nothing", page, page + "/file", "/review?repository=x"):
        answer = client.get(path)
        assert {name: answer.headers.get(name) for name in expected} == expected, path
    assert client.get("/style.css").headers["content-security-policy"] == expected["content-security-policy"]
    for refused in (client.post("/requests"), client.put("/"), client.post("/requests", content=b"x" * 20_000)):
        assert refused.status_code in (403, 405, 413)
        assert refused.headers["content-security-policy"] == expected["content-security-policy"]
    assert "strict-transport-security" not in visit(replace(SETTINGS, public_url="")).get("/").headers


def test_no_page_needs_a_script_a_style_attribute_or_another_host(visit: Visit) -> None:
    client = visit()
    for path in ("/", "/blocked", f"/review?repository={REPOSITORY}", file_request(client), "/nothing"):
        text = client.get(path).text
        assert not re.search(r"<script|<iframe|<img|\sstyle=|\son[a-z]+=|javascript:|src=", text)
        assert set(re.findall(r'(?:href|action)="([^"]*)"', text)) == {
            link
            for link in re.findall(r'(?:href|action)="([^"]*)"', text)
            if re.match(r"(/(?!/)|#)", link) or link == f"mailto:{SETTINGS.contact}"
        }


def test_search_engines_keep_no_page_about_a_repository(visit: Visit) -> None:
    client = visit()
    for path in ("/", "/blocked", f"/review?repository={REPOSITORY}", file_request(client), "/nothing"):
        assert ('content="noindex"' in client.get(path).text) is (path != "/"), path


def test_every_field_has_a_label_and_every_page_one_heading_and_a_language(visit: Visit) -> None:
    client = visit()
    for path in ("/", "/?x", "/blocked", f"/review?repository={REPOSITORY}", file_request(client), "/nothing"):
        text = client.get(path).text
        assert '<html lang="en">' in text and "<title>" in text and text.count("<h1>") == 1
        fields = re.findall(r"<(?:input(?! type=\"hidden\")|textarea)[^>]*id=\"([^\"]+)\"", text)
        assert all(f'<label for="{field}"' in text for field in fields)
        assert len(re.findall(r"<(?:input|textarea)", text)) == len(fields) + text.count('type="hidden"')


def test_an_owner_gets_from_the_name_to_the_block(
    visit: Visit, registry: Registry, outcome: Callable[[str], None]
) -> None:
    client = visit()
    review = client.get(f"/review?repository={REPOSITORY}")
    assert "github.com/alice/lib" in review.text and registry.log_head().entries == 0
    page = file_request(client)
    shown = unescape(client.get(page).text)
    saved = client.get(page + "/file")
    assert saved.text in shown and "attachment" in saved.headers["content-disposition"]
    assert f"{SITE}{page}" in shown and STATES["challenged"] in shown

    outcome("file_missing")
    answer = client.post(page + "/check", data={"token": token_on(client)})
    assert RESULTS["file_missing"] in answer.text and WAYS_OUT["file_missing"] in unescape(answer.text)
    assert registry.position() == 0

    outcome("passed")
    answer = client.post(page + "/check", data={"token": token_on(client)})
    assert STATES["verified"] in answer.text and "It takes effect with the" in answer.text
    assert [rule.value for rule in registry.rules()] == ["github.com/alice/lib"]
    assert "Rule 1 covers" in client.get("/blocked?repository=git@github.com:alice/LIB.git").text
    assert "blocked already" in client.get(f"/review?repository={REPOSITORY}").text
    registry.mark_applied(1)
    assert STATES["applied"] in client.get(page).text


def test_taking_back_needs_a_new_file_and_can_be_called_off(
    visit: Visit, registry: Registry, outcome: Callable[[str], None]
) -> None:
    client = visit()
    page = file_request(client)
    outcome("passed")
    client.post(page + "/check", data={"token": token_on(client)})
    first = client.get(page + "/file").text
    asked = client.post(page + "/withdraw", data={"token": token_on(client)})
    assert "Take the block back: commit a new file" in asked.text and STATES["verified"] in asked.text
    second = client.get(page + "/file").text
    assert '"action": "unblock"' in second and first != second
    kept = client.post(page + "/keep", data={"token": token_on(client)})
    assert "commit a new file" not in kept.text and registry.standing_rule("github.com/alice/lib")
    client.post(page + "/withdraw", data={"token": token_on(client)})
    done = client.post(page + "/check", data={"token": token_on(client)})
    assert (
        "You took the block back" in done.text
        and "Delete the file" in done.text
        and registry.standing_rule("github.com/alice/lib") is None
    )
    again = client.post(page + "/withdraw", data={"token": token_on(client)})
    assert again.status_code == 200 and "You took the block back" in again.text


def test_a_receipt_does_not_say_that_a_block_stands_which_the_operator_took_back(
    visit: Visit, registry: Registry, outcome: Callable[[str], None]
) -> None:
    client = visit()
    page = file_request(client)
    outcome("passed")
    client.post(f"{page}/check", data={"token": token_on(client)})
    assert "the block is in the registry" in client.get(page).text
    registry.append_rule("repo", REPOSITORY, "unblock", lifting=[page.split("/")[2]])
    shown = client.get(page).text
    assert "Ended: the operator took the block back" in shown and "start\nagain" in shown
    assert (
        "block stands" not in shown and "Take the block back" not in shown and "your repository is blocked" not in shown
    )
    registry.append_rule("owner", "github.com/alice", "block")
    assert "still blocked" in client.get(page).text


@pytest.mark.parametrize("typed", ["\u200fhttps://github.com/alice/lib\u200e", "(https://github.com/alice/\u200blib)"])
def test_a_pasted_address_is_read_as_it_is_seen(visit: Visit, registry: Registry, typed: str) -> None:
    client = visit()
    assert "github.com/alice/lib</p>" in client.get("/review", params={"repository": typed}).text
    assert STATES["challenged"] in client.get(file_request(client, typed)).text
    registry.append_rule("repo", typed, "block")
    assert "Rule 1 covers" in client.get("/blocked", params={"repository": typed}).text


@pytest.mark.parametrize(
    ("typed", "way"),
    [
        ("https://github.com/alice", "https://github.com/owner/name. To have a whole account left out, write to"),
        ("https://gitlab.com/groups/acme/sub", "To have a whole account left out, write to"),
        ("https://gist.github.com/0123456789abcdef", "https://gist.github.com/owner/ID"),
        ("https://gist.github.com/alice/2048", "20 or 32 letters and digits"),  # it would block alice's repository 2048
        ("npm/@acme", "https://github.com/owner/name. To have a whole account left out, write to"),
        ("alice", "as in https://github.com/owner/name"),
    ],
)
def test_an_owner_who_names_no_repository_is_told_the_way_on(visit: Visit, typed: str, way: str) -> None:
    refused = visit().get("/review", params={"repository": typed})
    assert refused.status_code == 422 and way in refused.text and "<title>Error: " in refused.text
    assert f'<a href="mailto:{SETTINGS.contact}">' in refused.text


@pytest.mark.parametrize(("contact", "shown"), [("https://example.org/us", True), ("javascript:alert(1)", False)])
def test_a_contact_is_a_link_only_where_it_is_an_address(visit: Visit, contact: str, shown: bool) -> None:
    text = visit(replace(SETTINGS, contact=contact)).get("/").text
    assert (f'href="{contact}"' in text) is shown and f"{contact}" in text


def test_owners_are_told_what_is_stored_before_they_ask(visit: Visit) -> None:
    client = visit()
    start = client.get("/").text
    assert 'id="stored"' in start and "the name of the account" in start and f"{FORGOTTEN_AFTER} days after" in start
    review = client.get(f"/review?repository={REPOSITORY}").text
    assert "can ask here whether" in review and 'href="/#stored"' in review


def test_every_page_answers_those_who_ask_for_its_head_only(visit: Visit) -> None:
    client = visit()
    for path in ("/", "/healthz", "/style.css", "/blocked", file_request(client), "/nothing"):
        assert client.head(path).status_code == client.get(path).status_code, path


def test_a_receipt_link_that_was_cut_off_or_dressed_up_is_told_as_such(visit: Visit) -> None:
    client = visit()
    page = file_request(client)
    for link in (page[:-1], page + ".", page.rpartition("/")[0], page[:14]):
        refused = client.get(link)
        assert refused.status_code == 404 and "check that it is complete" in refused.text
    back = client.get(page + "/", follow_redirects=False)
    assert (back.status_code, back.headers["location"]) == (303, page)  # never by way of plain http


def test_who_sends_no_cookie_is_told_that_the_forms_need_it(visit: Visit) -> None:
    client = visit()
    form = {"repository": REPOSITORY, "token": token_on(client)}
    client.cookies.clear()
    assert "sent no cookie" in client.post("/requests", data=form).text
    form["token"] = "0" * 64
    client.get("/")
    assert "sent no cookie" not in client.post("/requests", data=form).text


def test_a_receipt_says_when_the_block_began_and_was_applied(tmp_path: Path, outcome: Callable[[str], None]) -> None:
    now = [1_800_000_000]
    registry = Registry.open(f"sqlite:///{tmp_path / 'optout.sqlite'}", clock=lambda: now[0])
    client = TestClient(create_app(registry, SETTINGS), base_url=SITE)
    page = file_request(client)
    assert 'aria-current="step">File found' in client.get(page).text
    now[0] += 86_400
    outcome("passed")
    client.post(page + "/check", data={"token": token_on(client)})
    now[0] += 86_400
    registry.mark_applied(1)
    text = client.get(page).text
    assert "<small>2027-01-16, by rule 1</small>" in text and "Applied in a version<small>2027-01-17</small>" in text
    assert "aria-current" not in text
    registry.close()


def test_a_receipt_says_that_a_block_stays_because_the_new_file_came_too_late(
    tmp_path: Path, outcome: Callable[[str], None]
) -> None:
    now, late = [1_800_000_000], "The new file was not found within 7 days"
    registry = Registry.open(f"sqlite:///{tmp_path / 'optout.sqlite'}", clock=lambda: now[0])
    client = TestClient(create_app(registry, SETTINGS), base_url=SITE)
    page = file_request(client)
    outcome("passed")
    for action in ("check", "withdraw"):
        client.post(f"{page}/{action}", data={"token": token_on(client)})
    assert late not in client.get(page).text
    now[0] += LIFETIME
    shown = client.get(page).text
    assert late in shown and STATES["verified"] in shown and "Take the block back</button>" in shown
    assert late not in client.post(f"{page}/withdraw", data={"token": token_on(client)}).text
    client.post(f"{page}/keep", data={"token": token_on(client)})
    assert late not in client.get(page).text
    registry.verify_log()
    registry.close()


def test_a_request_withdrawn_before_its_proof_ends_without_effect(visit: Visit, registry: Registry) -> None:
    client = visit()
    page = file_request(client)
    assert "It had no effect" in client.post(page + "/withdraw", data={"token": token_on(client)}).text
    assert registry.rules() == []
    shown = client.post(page + "/check", data={"token": token_on(client)})
    assert shown.status_code == 200 and registry.rules() == []


@pytest.mark.parametrize("code", sorted(set(RESULTS) - {"passed"}))
def test_each_way_a_check_can_fail_has_a_sentence_and_a_way_out(
    visit: Visit, outcome: Callable[[str], None], code: str
) -> None:
    client = visit()
    page = file_request(client)
    outcome(code)
    text = unescape(client.post(page + "/check", data={"token": token_on(client)}).text)
    assert RESULTS[code] in text and WAYS_OUT[code] in text


# Forged forms


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "", "origin": SITE},
    ],
)
def test_a_form_sent_from_elsewhere_is_refused(visit: Visit, registry: Registry, headers: dict[str, str]) -> None:
    client = visit()
    form = {"repository": REPOSITORY, "token": token_on(client)}
    assert client.post("/requests", data=form, headers=headers).status_code == 403
    assert registry.log_head().entries == 0


@pytest.mark.parametrize(
    ("origin", "status"),
    [(SITE, 303), ("null", 303), ("https://evil.example", 403), ("http://optout.example.org", 403), (None, 303)],
)
def test_an_old_browser_is_judged_by_its_origin(visit: Visit, origin: str | None, status: int) -> None:
    client = visit()
    form = {"repository": REPOSITORY, "token": token_on(client)}
    del client.headers["sec-fetch-site"]
    headers = {"origin": origin} if origin else {}
    assert client.post("/requests", data=form, headers=headers, follow_redirects=False).status_code == status


@pytest.mark.parametrize("action", ["", "/check", "/withdraw", "/keep"])
def test_a_form_without_the_token_of_this_browser_is_refused(visit: Visit, registry: Registry, action: str) -> None:
    client, other = visit(), visit()
    page, own = file_request(client), token_on(client)
    before = registry.log_head()
    path = page + action if action else "/requests"
    for token in ("", "0" * 64, "é", token_on(other)):
        assert client.post(path, data={"repository": REPOSITORY, "token": token}).status_code == 403
    client.cookies.clear()
    for token in ("", own):
        assert client.post(path, data={"repository": REPOSITORY, "token": token}).status_code == 403
    assert registry.log_head() == before


def test_the_cookie_is_strict_about_where_it_goes(visit: Visit) -> None:
    cookie = visit().get("/").headers["set-cookie"]
    assert cookie.startswith("__Host-optout=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= {part.strip() for part in cookie.split(";")}
    plain = visit(WebSettings()).get("/").headers["set-cookie"]
    assert plain.startswith("optout=") and "Secure" not in plain


# Too much of something


def test_the_limit_of_a_client_holds_over_a_restart_and_names_the_time(visit: Visit) -> None:
    settings = WebSettings(public_url=SITE, requests_per_client=Limit(2, 3600))
    client = visit(settings)
    file_request(client), file_request(client)
    form = {"repository": REPOSITORY, "token": token_on(client)}
    for again in (client, visit(settings)):
        again.cookies = client.cookies
        refused = again.post("/requests", data=form)
        assert refused.status_code == 429 and 0 < int(refused.headers["retry-after"]) <= 3600
        assert "too many visits" in refused.text and "a whole account at once" in refused.text
    assert file_request(visit(settings, "203.0.113.8"))


def test_all_addresses_of_one_ipv6_network_are_one_client(visit: Visit) -> None:
    settings = WebSettings(public_url=SITE, reads_per_client=Limit(1, 86_400))
    assert visit(settings, "2001:db8:1:2::1").get("/").status_code == 200
    assert visit(settings, "2001:db8:1:2:ffff::9").get("/").status_code == 429
    assert visit(settings, "2001:db8:1:3::1").get("/").status_code == 200
    assert visit(settings, "203.0.113.9").get("/").status_code == 200
    assert visit(settings, "::ffff:203.0.113.9").get("/").status_code == 429


def test_the_many_networks_of_one_line_do_not_fill_the_registry(visit: Visit, registry: Registry) -> None:
    settings = replace(SETTINGS, requests_per_client=Limit(1, 86_400))
    form = {"repository": REPOSITORY}
    answers = []
    for number in range(12):
        client = visit(settings, f"2001:db8:1:{number}::1")
        form["token"] = token_on(client)
        answers.append(client.post("/requests", data=form, follow_redirects=False).status_code)
    assert answers == [303] * 10 + [429] * 2
    assert file_request(visit(settings, "2001:db8:2::1"))


@pytest.mark.parametrize("limited", ["checks_per_client", "checks_per_request"])
def test_checks_are_limited_by_client_and_by_request(
    visit: Visit, outcome: Callable[[str], None], limited: str
) -> None:
    outcome("file_missing")
    once: dict[str, Any] = {limited: Limit(1, 86_400)}
    settings = replace(SETTINGS, **once)
    first, second = visit(settings), visit(settings, "203.0.113.8")
    pages = [file_request(first), file_request(second), file_request(second, "https://github.com/bob/lib")]

    def check(client: TestClient, page: str) -> int:
        return client.post(page + "/check", data={"token": token_on(client)}).status_code

    assert check(first, pages[0]) == 200
    assert check(first, pages[0]) == 429
    assert check(second, pages[0]) == (200 if limited == "checks_per_client" else 429)
    assert check(second, pages[1]) == (429 if limited == "checks_per_client" else 200)
    assert check(second, pages[2]) == (429 if limited == "checks_per_client" else 200)


def test_requests_for_one_repository_are_limited_under_all_its_spellings(visit: Visit) -> None:
    settings = WebSettings(public_url=SITE, requests_per_repository=Limit(1, 86_400))
    client = visit(settings)
    file_request(client)
    form = {"repository": "git@github.com:ALICE/lib.git", "token": token_on(client)}
    assert client.post("/requests", data=form).status_code == 429


def test_strangers_use_up_nothing_of_an_owner(visit: Visit, outcome: Callable[[str], None]) -> None:
    outcome("file_missing")
    limits = ("requests_per_client", "requests_per_repository", "checks_per_client", "checks_per_request")
    twice: dict[str, Any] = {limit: Limit(2, 86_400) for limit in limits}
    settings = replace(SETTINGS, **twice)
    for stranger in (visit(settings, f"198.51.100.{n}") for n in range(8)):
        page = file_request(stranger)
        form = {"repository": REPOSITORY, "token": token_on(stranger)}
        asked = [stranger.post("/requests", data=form, follow_redirects=False).status_code for _ in range(2)]
        checked = [stranger.post(page + "/check", data=form).status_code for _ in range(3)]
        assert asked == [303, 429] and checked == [200, 200, 429]
    outcome("passed")
    owner = visit(settings)
    page = file_request(owner)
    assert owner.post(page + "/check", data={"token": token_on(owner)}).status_code == 200
    assert "your repository is blocked" in owner.get(page).text


@pytest.mark.parametrize(
    ("first", "second", "owners"),
    [
        ("198.51.100.1", "198.51.100.1", "203.0.113.7"),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:2:2::1"),  # a home has many networks of /64
    ],
)
def test_one_client_holds_one_of_the_places_for_checks(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, first: str, second: str, owners: str
) -> None:
    app = create_app(registry, replace(SETTINGS, checks_at_once=2))
    stranger, again, owner = (TestClient(app, base_url=SITE, client=(host, 1)) for host in (first, second, owners))
    pages = []
    for client in (stranger, again, owner):
        client.headers["sec-fetch-site"] = "same-origin"
        pages.append(file_request(client))
    meanwhile: list[int] = []

    def check_files(*_: object, **__: object) -> ProofResult:
        if not meanwhile:  # the stranger's check is running
            meanwhile.append(0)
            for client, page in zip((again, owner), pages[1:], strict=True):
                meanwhile.append(client.post(page + "/check", data={"token": token_on(client)}).status_code)
        return ProofResult("file_missing", "0" * 64)

    monkeypatch.setattr(proof, "check_files", check_files)
    assert stranger.post(pages[0] + "/check", data={"token": token_on(stranger)}).status_code == 200
    assert meanwhile == [0, 503, 200]


def test_a_second_click_leads_to_the_check_that_the_first_one_started(
    visit: Visit, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = visit()
    page = file_request(client)
    clicks: list[tuple[int, bool]] = []

    def check_files(_url: str, _names: object, expected: str, **_: object) -> ProofResult:
        if not clicks:
            clicks.append((0, False))
            again = client.post(page + "/check", data={"token": token_on(client)})
            clicks.append((again.status_code, "A check is running right now" in again.text))
        return ProofResult("passed", content_digest(expected), "c" * 40)

    monkeypatch.setattr(proof, "check_files", check_files)
    done = client.post(page + "/check", data={"token": token_on(client)})
    assert clicks == [(0, False), (200, True)] and registry.position() == 1
    assert STATES["verified"] in done.text and "A check is running" not in done.text


@pytest.mark.parametrize("action", ["check", "withdraw", "keep"])
def test_whoever_is_refused_finds_the_way_back_to_their_request(visit: Visit, action: str) -> None:
    client = visit()
    page = file_request(client)
    refused = client.post(f"{page}/{action}", data={"token": ""})
    assert refused.status_code == 403 and f'href="{page}"' in refused.text
    back = client.get(f"{page}/{action}", follow_redirects=False)
    assert (back.status_code, back.headers["location"]) == (303, page)
    assert client.get("/requests", follow_redirects=False).headers["location"] == "/"


def test_when_all_places_for_checks_are_taken_the_next_one_is_asked_to_wait(visit: Visit) -> None:
    client = visit(WebSettings(public_url=SITE, checks_at_once=0))
    page = file_request(client)
    refused = client.post(page + "/check", data={"token": token_on(client)})
    assert refused.status_code == 503 and refused.headers["retry-after"]


@contextlib.contextmanager
def served(registry: Registry, proxies: tuple[str, ...] = (), **bounds: Any) -> Iterator[int]:
    """The page on a port of this machine."""
    bounded = patient_protocol(proxies, **bounds)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(registry, WebSettings()), port=0, http=bounded, limit_concurrency=64, log_level="error"
        )
    )
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def _answer(connection: socket.socket, request: bytes = b"") -> bytes:
    """What the server says until it closes; a request that comes after it closed is answered with a reset."""
    connection.settimeout(60)
    said = b""
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        connection.sendall(request)
        while part := connection.recv(65_536):
            said += part
    return said


def test_a_client_holds_few_connections_and_none_in_silence(registry: Registry) -> None:
    with served(registry, each_client=3, seconds=1) as port:
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        more = socket.create_connection(("127.0.0.1", port))
        assert b" 503 " in _answer(more) and b"retry-after" not in _answer(silent[0])
        begun, body = (socket.create_connection(("127.0.0.1", port)) for _ in range(2))
        assert _answer(begun, b"GET / HTTP/1.1\r\nHost: x") == b""
        assert b" 200 " not in _answer(body, b"POST /requests HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\na=")
        whole = socket.create_connection(("127.0.0.1", port))
        request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert _answer(whole, request).startswith(b"HTTP/1.1 200 ")
        for connection in (*silent, more, begun, body, whole):
            connection.close()


def test_the_many_networks_of_one_line_hold_few_connections(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    clients = iter(range(100))
    monkeypatch.setattr(connections, "network_of", lambda _, bits=64: "line" if bits == 48 else str(next(clients)))
    with served(registry, each_client=1) as port:
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(8)]
        with contextlib.closing(socket.create_connection(("127.0.0.1", port))) as more:
            assert b" 503 " in _answer(more)
        for connection in silent:
            connection.close()


def test_a_client_that_takes_no_answer_holds_no_connection(registry: Registry) -> None:
    with served(registry, each_client=1, seconds=1) as port, contextlib.closing(socket.socket()) as greedy:
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        greedy.connect(("127.0.0.1", port))
        greedy.setblocking(False)
        request = b"GET /style.css HTTP/1.1\r\nHost: x\r\n\r\n"
        with contextlib.suppress(BlockingIOError):
            greedy.send(request * 900)
        for _ in range(60):  # it counts as held until it is ended
            time.sleep(0.5)
            with contextlib.closing(socket.create_connection(("127.0.0.1", port))) as other:
                if _answer(other, request.replace(b"x\r\n", b"x\r\nConnection: close\r\n")).startswith(b"HTTP/1.1 200"):
                    break
        else:
            raise AssertionError("the connection is held though nothing is taken from it")


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_over_the_cap_is_refused(visit: Visit, registry: Registry, announced: bool) -> None:
    client = visit()
    form = f"token={token_on(client)}&repository=".encode()
    body = form + b"x" * SETTINGS.largest_body
    headers = {"content-type": "application/x-www-form-urlencoded"}
    sent: object = body if announced else iter([body[:1000], body[1000:]])
    assert client.post("/requests", content=sent, headers=headers).status_code == 413  # type: ignore[arg-type]
    assert registry.log_head().entries == 0


def test_a_form_with_a_thousand_fields_or_files_is_refused(visit: Visit) -> None:
    client = visit()
    token = token_on(client)
    assert client.post("/requests", data={"token": token, **{f"a{n}": "" for n in range(2000)}}).status_code in (
        400,
        413,
    )
    files = {"repository": ("x.txt", b"https://github.com/a/b")}
    assert client.post("/requests", data={"token": token}, files=files).status_code == 400


# What is shown


@pytest.mark.parametrize(
    "attempt",
    [
        "<script>alert(1)</script>",
        'https://github.com/a/b"><script>alert(1)</script>',
        "javascript:alert(1)",
        "https://github.com/a/b' onmouseover='alert(1)",
        "{{ 7 * 7 }}",
        "https://github.com/%3Cscript%3Ealert(1)%3C/script%3E/b",
        "\u202e<b>x",
    ],
)
@pytest.mark.parametrize("path", ["/review", "/blocked"])
def test_a_name_with_markup_is_shown_as_text(visit: Visit, attempt: str, path: str) -> None:
    client = visit()
    for answer in (
        client.get(path, params={"repository": attempt}),
        client.post("/requests", data={"repository": attempt, "token": token_on(client)}),
    ):
        assert answer.status_code in (200, 422)
        assert "<script" not in answer.text and "<b>x" not in answer.text and "49" not in answer.text
        assert "onmouseover" not in re.sub(r'"[^"]*"', "", answer.text)
        value = re.search(r'name="repository" value="([^"]*)"', answer.text)
        assert value and unescape(value[1]) == as_seen(attempt)


@pytest.mark.parametrize("path", ["/<script>", "/requests/<script>/x", "/requests/" + "0" * 16 + "/<script>"])
def test_an_error_page_echoes_nothing(visit: Visit, path: str) -> None:
    answer = visit().get(path)
    assert answer.status_code in (400, 404) and "script" not in answer.text


def test_an_unknown_request_and_a_wrong_receipt_look_alike(visit: Visit, registry: Registry) -> None:
    client = visit()
    number, receipt = file_request(client).split("/")[2:]
    wrong = ("A" if receipt[0] != "A" else "B") + receipt[1:]
    answers = [client.get(f"/requests/{n}/{wrong}") for n in (number, "0" * 16)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].text == answers[1].text and answers[0].headers == answers[1].headers


def test_a_search_shows_rules_and_never_requests(visit: Visit, registry: Registry) -> None:
    client = visit()
    before = client.get("/blocked?repository=github.com/alice/lib").text
    file_request(client)
    assert client.get("/blocked?repository=github.com/alice/lib").text == before
    assert "No rule of its own" in before
    assert client.get("/blocked?repository=github.com/alice").status_code == 422
    registry.append_rule("repo", "pypi/requests", "block")
    assert "Rule 1 covers" in client.get("/blocked?repository=https://pypi.org/project/Requests/").text
    assert client.get("/blocked?repository=https://github.com/orgs/acme").status_code == 422


def test_a_question_about_a_repository_answers_none_about_its_owner(
    visit: Visit, registry: Registry, outcome: Callable[[str], None]
) -> None:
    client = visit()
    asked = [f"{path}?repository=https://github.com/alice/none" for path in ("/blocked", "/review")]
    stranger = file_request(client, "https://github.com/alice/none")
    client.post(stranger + "/withdraw", data={"token": token_on(client)})
    asked.append(stranger)
    before = [client.get(path).text for path in asked]
    registry.append_rule("owner", "github.com/alice", "block")
    assert [client.get(path).text for path in asked] == before
    outcome("passed")
    proven = file_request(client, "https://github.com/alice/none")
    client.post(proven + "/check", data={"token": token_on(client)})
    client.post(proven + "/withdraw", data={"token": token_on(client)})
    assert "still blocked" in client.post(proven + "/check", data={"token": token_on(client)}).text


def test_whose_gist_it_is_proves_nothing_about_an_account(
    visit: Visit, registry: Registry, outcome: Callable[[str], None]
) -> None:
    """A gist is cloned by its id alone: whoever has one can put any account before it."""
    client = visit()
    outcome("passed")
    name = "https://gist.github.com/alice/0123456789abcdef0123"
    assert "account in the name above" in client.get("/review", params={"repository": name}).text
    page = file_request(client, name)
    for action in ("check", "withdraw", "check"):
        client.post(f"{page}/{action}", data={"token": token_on(client)})
    before = client.get(page).text
    assert "You took the block back" in before
    registry.append_rule("owner", "github.com/alice", "block")
    assert client.get(page).text == before


def test_a_check_that_this_server_cannot_make_is_told_to_the_owner_and_to_the_operator(
    visit: Visit, outcome: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    client = visit()
    page = file_request(client)

    def impossible(*_: object, **__: object) -> ProofResult:
        raise proof.CheckImpossible("no git", "install it")

    monkeypatch.setattr(proof, "check_files", impossible)
    told = client.post(page + "/check", data={"token": token_on(client)})
    assert told.status_code == 503 and "Nothing is wrong with your file" in told.text
    assert "registry" not in told.text and f'href="{page}"' in told.text and "no git" not in told.text
    assert "no git; install it" in caplog.text and page.split("/")[3] not in caplog.text
    assert client.get("/healthz").status_code == 503
    outcome("file_missing")
    client.post(page + "/check", data={"token": token_on(client)})
    assert client.get("/healthz").status_code == 200


def test_a_failed_check_is_shown_though_the_clocks_of_two_machines_differ(
    tmp_path: Path, outcome: Callable[[str], None]
) -> None:
    now = [1_800_000_000]
    registry = Registry.open(f"sqlite:///{tmp_path / 'optout.sqlite'}", clock=lambda: now[0])
    client = TestClient(create_app(registry, SETTINGS), base_url=SITE)
    page = file_request(client)
    now[0] -= 60
    outcome("file_differs")
    assert WAYS_OUT["file_differs"] in client.post(page + "/check", data={"token": token_on(client)}).text
    outcome("passed")
    client.post(page + "/check", data={"token": token_on(client)})
    asked = client.post(page + "/withdraw", data={"token": token_on(client)}).text
    assert WAYS_OUT["file_differs"] not in asked
    registry.close()


def test_a_database_error_is_a_page_without_details(visit: Visit, registry: Registry, tmp_path: Path) -> None:
    client = TestClient(create_app(registry, SETTINGS), base_url=SITE, raise_server_exceptions=False)
    registry.close()
    (tmp_path / "optout.sqlite").write_bytes(b"not a database" * 1000)
    for suffix in ("-wal", "-shm"):
        (tmp_path / f"optout.sqlite{suffix}").unlink(missing_ok=True)
    for path in ("/", "/healthz"):
        answer = client.get(path)
        assert answer.status_code == 503 and "cannot be reached" in answer.text and "sqlite" not in answer.text


def test_an_unexpected_error_is_a_page_without_details(
    visit: Visit, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "position", lambda: 1 / 0)
    client = TestClient(create_app(registry, SETTINGS), base_url=SITE, raise_server_exceptions=False)
    answer = client.get("/healthz")
    assert answer.status_code == 500 and "division" not in answer.text and "Nothing was changed" in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["gitlab", "[2001:db8::1]"])
def test_an_owner_on_a_host_without_a_dot_gets_a_file(visit: Visit, registry: Registry, host: str) -> None:
    client = visit(replace(SETTINGS, allow_local=True, extra_hosts=(host,)))
    assert STATES["challenged"] in client.get(file_request(client, f"http://{host}/group/lib")).text
    assert client.get("/blocked", params={"repository": f"http://{host}/group/lib"}).status_code == 200


def test_health_names_the_position(visit: Visit, registry: Registry) -> None:
    registry.append_rule("repo", "github.com/alice/lib", "block")
    assert visit().get("/healthz").json() == {"status": "ok", "position": 1}


def test_a_registry_that_cannot_be_written_is_not_well(
    visit: Visit, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> tuple[int, int]:
        raise RegistryAway("the disk is full", "make room")

    monkeypatch.setattr(registry, "count_visit", full)
    assert [visit().get(path).status_code for path in ("/", "/healthz")] == [503, 503]


def test_no_visitor_fills_the_log_with_one_line(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    logger = logging.getLogger("gleanery.test-of-seldom")
    logger.addFilter(Seldom(60, lambda: now[0]))
    with caplog.at_level(logging.INFO):
        for at in (0, 1, 2, 59, 61):
            now[0] = at
            logger.warning("Invalid HTTP request received.")
            logger.info("course")
        logger.error("another %s", "line")
    assert [text for text in caplog.messages if text != "course"] == [
        "Invalid HTTP request received.",
        "Invalid HTTP request received. (and 3 more like this since the last line)",
        "another line",
    ]
    assert caplog.messages.count("course") == 5


def test_the_page_describes_no_interface_of_its_own(visit: Visit) -> None:
    assert [visit().get(path).status_code for path in ("/docs", "/openapi.json", "/redoc")] == [404, 404, 404]


def _luminance(colour: str) -> float:
    """Relative luminance of #rrggbb by WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", [0, 1])
def test_all_text_has_the_contrast_of_wcag_aa_in_both_themes(theme: int) -> None:
    themes = re.findall(r":root \{(.*?)\}", stylesheet(), re.DOTALL)
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", themes[theme]))
    pairs = [("on-mark", "mark"), ("good", "paper"), ("bad", "card")]
    for paper in ("paper", "card", "good-paper", "bad-paper", "note-paper"):
        pairs += [("ink", paper), ("soft", paper), ("mark", paper)]
    for text, paper in pairs:
        light, dark = sorted((_luminance(colours[text]), _luminance(colours[paper])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, paper)


# Settings


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("Git.Example.org", "https://git.example.org/group/lib"),
        ("https://git.example.org/", "https://git.example.org/group/lib"),
        ("git.example.org:443", "https://git.example.org/group/lib"),
        ("www.gitlab.com", "https://www.gitlab.com/group/lib"),
    ],
)
def test_a_forge_is_known_however_the_operator_wrote_it(visit: Visit, written: str, typed: str) -> None:
    client = visit(replace(SETTINGS, extra_hosts=(written,)))
    assert client.get("/review", params={"repository": typed}).status_code == 200


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("extra_hosts", ("git.example.org:8443",)),
        ("extra_hosts", ("git.example.org/group",)),
        ("extra_hosts", ("",)),
        ("public_url", "https://example.org/optout"),
        ("public_url", "optout.example.org"),
        ("trusted_proxies", ("proxy.example.org",)),
    ],
)
def test_settings_with_which_the_page_could_not_work_are_refused(visit: Visit, setting: str, value: Any) -> None:
    with pytest.raises(WrongArguments) as refused:
        visit(replace(SETTINGS, **{setting: value}))
    assert refused.value.hint


def test_no_file_is_handed_out_for_an_address_that_a_check_refuses(visit: Visit, registry: Registry) -> None:
    client = visit(replace(SETTINGS, extra_hosts=("dev.azure.com",)))
    typed = "https://dev.azure.com/org/my%20project/_git/lib"
    review = client.get("/review", params={"repository": typed})
    assert review.status_code == 422 and "cannot look for a file at this address" in review.text
    assert client.post("/requests", data={"repository": typed, "token": token_on(client)}).status_code == 422
    assert registry.log_head().entries == 0


@pytest.mark.parametrize(("proxies", "counted"), [(("10.0.0.0/8",), True), (("127.0.0.0/8",), False), (("*",), False)])
def test_the_connections_of_a_network_of_proxies_are_not_counted(
    registry: Registry, proxies: tuple[str, ...], counted: bool
) -> None:
    with served(registry, proxies=proxies, each_client=1) as port:
        first, second = (socket.create_connection(("127.0.0.1", port)) for _ in range(2))
        answer = _answer(second, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 503 " if counted else b"HTTP/1.1 200 ")
        first.close()
        second.close()


def test_the_page_forgets_by_itself(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, calls = threading.Event(), list[int]()

    def forget() -> int:
        calls.append(1)
        if len(calls) == 2:
            raise RegistryAway("away", "wait")
        if len(calls) == 3:
            ended.set()
        return 0

    monkeypatch.setattr(registry, "forget", forget)
    web._forget(registry, ended, every=0.01)
    assert len(calls) == 3
