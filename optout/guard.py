"""Guards of the opt-out page: headers on every answer, a cap on what is read, forged forms, and too many visits.

In: requests from anybody. Out: the same requests, or a refusal. A rate limit is one small write to the registry's
database, so it holds over restarts and several processes; addresses are kept as keyed hashes, and for two days.
"""

import hashlib
import hmac
import ipaddress
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from fastapi import HTTPException, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gleanery.optout.registry import Registry
from gleanery.optout.settings import Limit, WebSettings

SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
}
_HSTS = "max-age=31536000"


def security_headers(settings: WebSettings) -> dict[str, str]:
    """The headers for every answer; browsers are told to stay with https where the page is served so."""
    https = settings.public_url.startswith("https://")
    return dict(SECURITY_HEADERS) | ({"strict-transport-security": _HSTS} if https else {})


class Refused(HTTPException):
    """A request that is not answered: the status, a sentence for the visitor, and when to come back (seconds)."""

    def __init__(self, status: int, sentence: str, retry_after: int | None = None) -> None:
        super().__init__(status, sentence, {"Retry-After": str(retry_after)} if retry_after is not None else None)


class Shield:
    """ASGI middleware: security headers on every answer, and no body larger than the cap."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self.app = app
        self.largest = settings.largest_body
        self.headers = [(name.encode(), value.encode()) for name, value in security_headers(settings).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self.largest:
                raise Refused(413, "That is more than this page accepts.")
            return message

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = message.get("headers", [])
                names = {name for name, _ in given}
                message["headers"] = [*given, *(header for header in self.headers if header[0] not in names)]
            await send(message)

        if self._announced(scope) > self.largest:
            refusal = Response("That is more than this page accepts.\n", 413, media_type="text/plain")
            await refusal(scope, receive, dressed)
            return
        await self.app(scope, counted, dressed)

    @staticmethod
    def _announced(scope: Scope) -> int:
        for name, value in scope["headers"]:
            if name == b"content-length":
                return int(value) if value.isdigit() and len(value) < 19 else 1 << 62
        return 0


class Forms:
    """Forms that only our own pages can send: a random cookie, and in each form the keyed hash of that cookie."""

    def __init__(self, secret: str, settings: WebSettings) -> None:
        self.secret, self.public_url = secret.encode(), settings.public_url.rstrip("/")
        self.secure = self.public_url.startswith("https://")
        self.cookie = "__Host-optout" if self.secure else "optout"

    def token(self, request: Request, response_cookies: dict[str, str]) -> str:
        """The token for a form on the page that answers this request; a new cookie is noted where there is none."""
        value = request.cookies.get(self.cookie, "")
        if not 40 <= len(value) <= 64:
            value = secrets.token_urlsafe(32)
            response_cookies[self.cookie] = value
        return self._hash(value)

    def check(self, request: Request, token: str) -> None:
        """Refuse a form that another site made the browser send, where the browser says so; else the token decides.

        Our own referrer policy makes browsers write `Origin: null`, and some (w3m, lynx) never say where a form comes
        from. Both are let through to the token, which fits only the cookie of the same browser.
        """
        site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
        same = site == "same-origin" if site is not None else origin in (None, "null", self._own_origin(request))
        fits = hmac.compare_digest(token.encode(), self._hash(request.cookies.get(self.cookie, "")).encode())
        if not (same and fits):
            sentence = "This form was not sent from our own page, or it is too old. Open the page again."
            if not request.cookies.get(self.cookie):
                sentence += " Your browser sent no cookie: the one of this page protects its forms, so allow it."
            raise Refused(403, sentence)

    def dress(self, response: Response, cookies: Mapping[str, str]) -> Response:
        """Put new cookies on the response."""
        for name, value in cookies.items():
            response.set_cookie(name, value, path="/", secure=self.secure, httponly=True, samesite="lax")
        return response

    def _own_origin(self, request: Request) -> str:
        return self.public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"

    def _hash(self, value: str) -> str:
        return hmac.new(self.secret, b"form\x00" + value.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


class Turnstile:
    """Counts visits, and refuses those over a limit with the time until the next window."""

    def __init__(self, registry: Registry, secret: str) -> None:
        self.registry, self.secret = registry, secret.encode()

    def pass_client(self, request: Request, what: str, limit: Limit) -> None:
        """Count a visit of this client. What one client does uses up nothing of another's."""
        self.count(f"{what} by client", network(request), limit)

    def count(self, what: str, whom: str, limit: Limit) -> None:
        """Count a visit under a keyed hash of `whom`, so that the table holds no address in the clear."""
        text = f"{what}\x00{whom}".encode("utf-8", "replace")
        bucket = hmac.new(self.secret, text, hashlib.sha256).hexdigest()
        hits, left = self.registry.count_visit(bucket, limit.seconds)
        if hits > limit.visits:
            raise Refused(429, f"There were too many visits of this kind. Come back in {_duration(left)}.", left)


class Running(Exception):
    """The same work is being done already."""


class Places:
    """Places for work on the network: few in all, and one for each line, so that nobody takes them all."""

    def __init__(self, places: int) -> None:
        self.free, self.lock, self.clients, self.works = places, threading.Lock(), set[str](), set[str]()

    def running(self, work: str) -> bool:
        """Whether this work is being done right now, by this program."""
        with self.lock:
            return work in self.works

    @contextmanager
    def taken(self, client: str, work: str) -> Iterator[None]:
        """Hold a place; refused where there is none. Running if the same work holds one."""
        with self.lock:
            if work in self.works:
                raise Running
            if self.free <= 0 or client in self.clients:
                raise Refused(503, "Repositories are being checked right now. Try again in a moment.", 10)
            self.free -= 1
            self.clients.add(client)
            self.works.add(work)
        try:
            yield
        finally:
            with self.lock:
                self.free += 1
                self.clients.remove(client)
                self.works.remove(work)


def network(request: Request) -> str:
    """The client that sent a request."""
    return network_of(request.client.host if request.client else "")


def line(request: Request) -> str:
    """The line that a request came over: the address, or the /48 network in IPv6, since one line may have many /64."""
    return network_of(request.client.host if request.client else "", 48)


def network_of(host: str, bits: int = 64) -> str:
    """The client at an address: the address, or the /64 network in IPv6, where one visitor has many addresses.

    >>> network_of("192.0.2.1"), network_of("2001:db8:1:2::3"), network_of("2001:db8:1:2::3", 48), network_of("a-name")
    ('192.0.2.1', '2001:db8:1:2::/64', '2001:db8:1::/48', 'a-name')
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((int(address) >> 128 - bits << 128 - bits, bits)))
    return str(address)


def _duration(seconds: int) -> str:
    """A time in words, rounded up.

    >>> [_duration(seconds) for seconds in (1, 60, 61, 7140, 7141, 7201)]
    ['a minute', 'a minute', '2 minutes', '119 minutes', '2 hours', '3 hours']
    """
    minutes = -(-seconds // 60)
    return "a minute" if minutes <= 1 else f"{minutes} minutes" if minutes < 120 else f"{-(-minutes // 60)} hours"
