"""Connections of the opt-out page: few for each client, and none that only waits.

In: connections from anybody. Out: those that ask something soon, and take the answer. The server counts open
connections and refuses all visitors above a number, so whoever may hold many and say nothing would close the page to
everybody.
"""

import asyncio
import ipaddress
from collections.abc import Collection
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gleanery.optout.guard import network_of

EACH_CLIENT = 16  # a browser opens up to six
CLIENTS_OF_A_LINE = 8  # a home may have hundreds of networks of IPv6
AT_ONCE = 512  # of all clients; systems often allow a process 1,024 files
SILENT_SECONDS = 10
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 10\r\nconnection: close\r\n\r\n"


def patient_protocol(
    proxies: Collection[str], each_client: int = EACH_CLIENT, seconds: float = SILENT_SECONDS
) -> type[H11Protocol]:
    """The server's protocol, with a bound on the connections of one client and on the time in which nothing is asked.

    `proxies` are addresses and networks, or `*` for all. A proxy that is trusted stands for many clients, so its
    connections are not counted; it is given no more time.
    """

    trusted = [ipaddress.ip_network(text, strict=False) for text in proxies if text != "*"]

    def is_proxy(host: str) -> bool:
        if "*" in proxies:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in network for network in trusted)

    class Patient(H11Protocol):
        """One connection."""

        visitor: str | None = None
        line: str | None = None
        watch: asyncio.TimerHandle | None = None
        waited = False

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            address = self.client[0] if self.client else ""
            counted = not is_proxy(address)
            self.visitor, self.line = (network_of(address), network_of(address, 48)) if counted else (None, None)
            if counted and (self.held("visitor") > each_client or self.held("line") > each_client * CLIENTS_OF_A_LINE):
                transport.write(_BUSY)
                transport.close()
                return
            self.look_again()

        def held(self, whose: str) -> int:
            """How many connections there are of the same visitor, or over the same line."""
            return sum(getattr(other, whose, None) == getattr(self, whose) for other in self.connections)

        def connection_lost(self, exc: Exception | None) -> None:
            if self.watch:
                self.watch.cancel()
            super().connection_lost(exc)

        def look_again(self) -> None:
            self.watch = self.loop.call_later(seconds / 2, self.look)

        def look(self) -> None:
            """End what waited for its client at two looks: for a request, its end or its body, or to take an answer."""
            untaken = self.transport.get_write_buffer_size() > 0
            waits = untaken or self.conn.their_state in (h11.IDLE, h11.SEND_BODY)
            if waits and self.waited:
                # To close it in order would wait until the client takes what is left.
                (self.transport.abort if untaken else self.transport.close)()
                return
            self.waited = waits
            self.look_again()

    return Patient
