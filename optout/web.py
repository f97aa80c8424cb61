"""The opt-out page: an owner names a repository, proves that it is theirs, and sees the state of the request.

In: a registry and settings. Out: a FastAPI application that serves plain HTML and needs no JavaScript, and `serve`,
which runs it. A page took 3 ms of processor time (SQLite). It stores no e-mail address, no account but in the name of a
repository, and no client address in the clear.
"""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Form, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from pydantic import AfterValidator
from sqlalchemy.engine import URL
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from gleanery.optout import challenge, engines, forges, pages, proof
from gleanery.optout.connections import AT_ONCE, patient_protocol
from gleanery.optout.guard import Forms, Places, Refused, Running, Shield, Turnstile, line, network, security_headers
from gleanery.optout.registry import FORGOTTEN_AFTER, Registry
from gleanery.optout.registry import Request as OwnersRequest
from gleanery.optout.seldom import Seldom
from gleanery.optout.settings import Limit, WebSettings, in_form
from gleanery.optout.typed import as_seen
from gleanery.records.errors import GleaneryError, RejectRecord

__all__ = ["Limit", "WebSettings", "create_app", "serve"]

Typed = Annotated[str, Query(max_length=2000), AfterValidator(as_seen)]
Sent = Annotated[str, Form(max_length=2000), AfterValidator(as_seen)]
Number = Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]
Receipt = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{43}$")]

_SENTENCES = {
    400: "This page did not understand what was sent.",
    404: "There is no such page. If you followed a receipt link, check that it is complete. A request that ended "
    "without a proof is forgotten after 30 days.",
    405: "This address does not accept that kind of request.",
    500: "Something went wrong on our side. Nothing was changed. Try again later.",
}
# What stopped the program, and how the visitor is told. The operator finds the cause on standard error.
_STOPS: tuple[tuple[type[GleaneryError], int, str], ...] = (
    (
        engines.RegistryAway,
        503,
        "The opt-out registry cannot be reached at the moment. Nothing was changed. Try again later.",
    ),
    (
        proof.CheckImpossible,
        503,
        "This server cannot check repositories at the moment. Nothing is wrong with your file as far as we can see. "
        "Nothing was changed. Try again later, or write to the operator of this page.",
    ),
    (
        RejectRecord,
        409,
        "That is not possible as things stand. Nothing was changed. Open the page of the request again.",
    ),
    (GleaneryError, 500, _SENTENCES[500]),
)
_RECEIPT_PATH = re.compile(r"/requests/[0-9a-f]{16}/[A-Za-z0-9_-]{43}(?=/|\Z)")
_log = logging.getLogger("gleanery.optout")


_FOR_STRANGERS = ("repo",)  # a rule about an owner would answer a question about a person
_CLIENTS_OF_A_LINE = 10
_VISITORS_WAIT = 15  # seconds for another writer of the registry; then the page says that it cannot be reached


def serve(registry_url: str | URL, host: str, port: int, settings: WebSettings) -> None:
    """Serve the page until the process is told to stop. StopRun if settings, registry or git cannot be used."""
    settings = in_form(settings)
    proof.ensure_checks()
    registry = Registry.open(registry_url, wait=_VISITORS_WAIT)
    ended = threading.Event()
    for logger in (_log, logging.getLogger("uvicorn.error")):
        logger.addFilter(Seldom())
    threading.Thread(target=_forget, args=(registry, ended), daemon=True).start()
    try:
        uvicorn.run(
            create_app(registry, settings),
            host=host,
            port=port,
            access_log=False,  # receipt links are secrets, and a log would keep them
            server_header=False,
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_keep_alive=5,
            http=patient_protocol(settings.trusted_proxies),
            limit_concurrency=AT_ONCE,
            h11_max_incomplete_event_size=16 * 1024,
        )
    finally:
        ended.set()
        registry.close()


def _forget(registry: Registry, ended: threading.Event, every: float = 6 * 3600) -> None:
    """From time to time forget what is kept no longer: nobody may come whose visit would do it."""
    while True:
        try:
            registry.forget()
        except GleaneryError as problem:
            _log.error("%s; %s", problem.message, problem.hint)
        if ended.wait(every):
            return


def create_app(registry: Registry, settings: WebSettings) -> FastAPI:
    """The application. It keeps nothing between requests but what is in the registry."""
    settings = in_form(settings)
    # A redirect to an address without a slash would name the scheme between the proxy and this server.
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
    site = _Site(registry, settings)
    for path, method, handler in (
        ("/", "GET", site.start),
        ("/style.css", "GET", site.style),
        ("/healthz", "GET", site.health),
        ("/blocked", "GET", site.blocked),
        ("/review", "GET", site.review),
        ("/requests", "POST", site.create),
        ("/requests", "GET", site.begin_again),
        ("/requests/{number}/{receipt}", "GET", site.show),
        ("/requests/{number}/{receipt}/file", "GET", site.file),
        ("/requests/{number}/{receipt}/check", "POST", site.check),
        ("/requests/{number}/{receipt}/withdraw", "POST", site.withdraw),
        ("/requests/{number}/{receipt}/keep", "POST", site.keep),
        ("/requests/{number}/{receipt}/", "GET", site.back),
        # Where a form was refused, the address bar holds one of these.
        ("/requests/{number}/{receipt}/check", "GET", site.back),
        ("/requests/{number}/{receipt}/withdraw", "GET", site.back),
        ("/requests/{number}/{receipt}/keep", "GET", site.back),
    ):
        methods = ["GET", "HEAD"] if method == "GET" else [method]
        app.add_api_route(path, handler, methods=methods, response_model=None)
    app.add_exception_handler(HTTPException, site.refuse)
    app.add_exception_handler(RequestValidationError, site.unreadable)
    app.add_exception_handler(GleaneryError, site.stopped)
    app.add_exception_handler(Exception, _as(site, 500))
    app.add_middleware(Shield, settings=settings)
    return app


class _Site:
    """The handlers. They are plain functions, which the server runs in threads, because the registry blocks."""

    def __init__(self, registry: Registry, settings: WebSettings) -> None:
        secret = registry.secret()
        self.registry, self.settings = registry, settings
        self.forms, self.turnstile = Forms(secret, settings), Turnstile(registry, secret)
        hosts = (*settings.forges, *settings.extra_hosts)
        self.templates = pages.environment(
            dataset=settings.dataset, contact=settings.contact, hosts=hosts, forgotten_after=FORGOTTEN_AFTER
        )
        self.places = Places(settings.checks_at_once)
        self.checks_work = True

    # Pages that only read

    def start(self, request: Request) -> Response:
        self._read_limit(request)
        return self._page(request, "start.html", typed="", problem="")

    def style(self) -> Response:
        return Response(pages.stylesheet(), media_type="text/css", headers={"cache-control": "max-age=3600"})

    def health(self) -> Response:
        """Whether owners can use the page. Every page counts a visit, so one that cannot be written serves nobody."""
        self.registry.count_visit("health", 60)
        position = self.registry.position()
        if not self.checks_work:
            return JSONResponse({"status": "checks are not possible", "position": position}, 503)
        return JSONResponse({"status": "ok", "position": position})

    def blocked(self, request: Request, repository: Typed = "") -> Response:
        """Whether a rule names a repository. Requests that are not proven are not shown, nor rules about a person."""
        self._read_limit(request)
        try:
            name = forges.searched_repository(repository) if repository.strip() else ""
        except RejectRecord as problem:
            return self._page(request, "blocked.html", 422, typed=repository, problem=problem.hint, name="", rule=None)
        rule = self.registry.standing_rule(name, _FOR_STRANGERS) if name else None
        return self._page(request, "blocked.html", typed=repository, problem="", name=name, rule=rule)

    def review(self, request: Request, repository: Typed = "") -> Response:
        """What will happen to the repository that the owner named."""
        self._read_limit(request)
        try:
            named = forges.named_repository(repository, self.settings)
        except RejectRecord as problem:
            return self._page(request, "start.html", 422, typed=repository, problem=problem.hint)
        rule = self.registry.standing_rule(named.repository, _FOR_STRANGERS)
        return self._page(request, "review.html", named=named, typed=repository, rule=rule)

    def show(self, request: Request, number: Number, receipt: Receipt) -> Response:
        """The state of a request. The link to this page is the receipt."""
        self._read_limit(request)
        self.registry.expire_challenges()
        found = self._found(number, receipt)
        proven = found.rule_seq is not None and forges.proves_account(found.clone_url)
        rule = self.registry.standing_rule(found.repository, *([] if proven else [_FOR_STRANGERS]))
        return self._page(
            request,
            "request.html",
            found=found,
            link=f"{self._site_url(request)}/requests/{number}/{receipt}",
            here=f"/requests/{number}/{receipt}",
            text=challenge.file_text(found, receipt),
            filenames=challenge.FILENAMES,
            checking=self.places.running(number),
            check_seconds=self.settings.check_seconds,
            rule=rule,
        )

    def file(self, request: Request, number: Number, receipt: Receipt) -> Response:
        """The challenge file, to be saved."""
        self._read_limit(request)
        text = challenge.file_text(self._found(number, receipt), receipt)
        disposition = 'attachment; filename="dataset-optout.json"'
        return PlainTextResponse(text, media_type="application/json", headers={"content-disposition": disposition})

    # Forms

    def create(self, request: Request, repository: Sent = "", token: Sent = "") -> Response:
        self.forms.check(request, token)
        limit = self.settings.requests_per_client
        self.turnstile.pass_client(request, "request", limit)
        # What is written here stays for weeks, and a line of IPv6 may look like hundreds of clients.
        self.turnstile.count("request by line", line(request), Limit(_CLIENTS_OF_A_LINE * limit.visits, limit.seconds))
        try:
            named = forges.named_repository(repository, self.settings)
        except RejectRecord as problem:
            return self._page(request, "start.html", 422, typed=repository, problem=problem.hint)
        asked = f"{network(request)}\0{named.repository}"
        self.turnstile.count("request for", asked, self.settings.requests_per_repository)
        made = self.registry.create_request(repository, named.clone_url, dataset=self.settings.dataset)
        return _see(f"/requests/{made.id}/{made.receipt}")

    def check(self, request: Request, number: Number, receipt: Receipt, token: Sent = "") -> Response:
        self.forms.check(request, token)
        self.registry.expire_challenges()
        found = self._found(number, receipt)
        if found.challenge.state == "pending":
            # A second click finds the first one's check: its page says so.
            with suppress(Running), self.places.taken(line(request), number), self._races():
                self.turnstile.pass_client(request, "check", self.settings.checks_per_client)
                self.turnstile.count("check of", number, self.settings.checks_per_request)
                self.registry.settle(number, receipt, self._proof(found, receipt))
        return _see(f"/requests/{number}/{receipt}#state")

    def withdraw(self, request: Request, number: Number, receipt: Receipt, token: Sent = "") -> Response:
        self._change_limit(request, token)
        self._found(number, receipt)
        with self._races():
            self.registry.withdraw(number, receipt)
        return _see(f"/requests/{number}/{receipt}#state")

    def keep(self, request: Request, number: Number, receipt: Receipt, token: Sent = "") -> Response:
        self._change_limit(request, token)
        self._found(number, receipt)
        with self._races():
            self.registry.keep(number, receipt)
        return _see(f"/requests/{number}/{receipt}#state")

    def back(self, number: Number, receipt: Receipt) -> Response:
        return _see(f"/requests/{number}/{receipt}")

    def begin_again(self) -> Response:
        return _see("/")

    # Refusals

    def stopped(self, request: Request, problem: Exception) -> Response:
        """A page about what stopped the program, and a line for the operator: of a record only the kind of error."""
        status, sentence = next((status, said) for kind, status, said in _STOPS if isinstance(problem, kind))
        if isinstance(problem, RejectRecord):
            _log.error("a request was refused (%s)", problem.code)
        elif isinstance(problem, GleaneryError):
            _log.error("%s; %s", problem.message, problem.hint)
        return self.refuse(request, Refused(status, sentence))

    def unreadable(self, request: Request, problem: Exception) -> Response:
        """A form or a query that cannot be read; for a path that cannot, there is no such page."""
        errors = problem.errors() if isinstance(problem, RequestValidationError) else []
        return self.refuse(request, HTTPException(404 if any(e["loc"][0] == "path" for e in errors) else 400))

    def refuse(self, request: Request, problem: Exception) -> Response:
        """A page for any HTTP error. Only sentences of our own are shown."""
        status = problem.status_code if isinstance(problem, HTTPException) else 500
        sentence = problem.detail if isinstance(problem, Refused) else _SENTENCES.get(status, _SENTENCES[400])
        path = _RECEIPT_PATH.match(request.url.path) if status != 404 else None
        receipt = path[0] if path else ""
        html = self.templates.get_template("problem.html").render(sentence=sentence, status=status, receipt=receipt)
        headers = getattr(problem, "headers", None)
        return Response(html, status, media_type="text/html", headers=headers)

    # Pieces

    def _page(self, request: Request, template: str, status: int = 200, **values: object) -> Response:
        cookies: dict[str, str] = {}
        token = self.forms.token(request, cookies)
        html = self.templates.get_template(template).render(token=token, **values)
        return self.forms.dress(Response(html, status, media_type="text/html"), cookies)

    def _found(self, number: str, receipt: str) -> OwnersRequest:
        found = self.registry.get_request(number, receipt)
        if found is None:
            raise Refused(404, _SENTENCES[404])
        return found

    def _proof(self, found: OwnersRequest, receipt: str) -> proof.ProofResult:
        try:
            result = proof.check_files(
                found.clone_url,
                challenge.FILENAMES,
                challenge.file_text(found, receipt),
                allow_local=self.settings.allow_local,
                seconds=self.settings.check_seconds,
            )
        except proof.CheckImpossible:
            self.checks_work = False
            raise
        self.checks_work = True
        return result

    def _site_url(self, request: Request) -> str:
        return self.settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")

    def _read_limit(self, request: Request) -> None:
        self.turnstile.pass_client(request, "read", self.settings.reads_per_client)

    def _change_limit(self, request: Request, token: str) -> None:
        self.forms.check(request, token)
        self.turnstile.pass_client(request, "change", self.settings.changes_per_client)

    @contextmanager
    def _races(self) -> Iterator[None]:
        """Two clicks at once: the second finds another state, and its page shows that state."""
        try:
            yield
        except RejectRecord as problem:
            if problem.code != "not_open":
                raise


def _as(site: _Site, status: int) -> Callable[[Request, Exception], Any]:
    """A handler that turns an error of the program into a page with this status."""

    def handler(request: Request, _problem: Exception) -> Response:
        # An answer to an unexpected error does not pass the shield.
        return site.refuse(request, HTTPException(status, headers=security_headers(site.settings)))

    return handler


def _see(path: str) -> Response:
    return RedirectResponse(path, 303)
