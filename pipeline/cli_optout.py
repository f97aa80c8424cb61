"""The commands `gleanery optout`: the registry of objections and its web form.

In: arguments. Out: rows of the registry on standard output, or a page on the network. Exit status as in `cli.py`.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from gleanery.pipeline.screen import draw, err, out, write, wrong
from gleanery.records.errors import RejectRecord
from gleanery.records.local_paths import local_path

_HELP = """Serve the page where owners opt out, and keep its registry.

Example: gleanery optout serve --registry optout.sqlite --port 8080
"""
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=_HELP)

RegistryUrl = Annotated[
    str, typer.Option("--registry", help="SQLite file, or a database URL such as postgresql+psycopg://host/name.")
]
Scope = Annotated[str, typer.Option(help="What the rule is about: repo, owner or blob.")]


@app.command("serve")
def serve(
    registry: RegistryUrl = "optout.sqlite",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65_535, help="Port to listen on.")] = 8080,
    url: Annotated[str | None, typer.Option(help="Public address of the page, where a proxy stands before it.")] = None,
    host_of_forge: Annotated[
        list[str] | None, typer.Option("--forge", help="A further host that may be asked, as HOST or HOST:PORT.")
    ] = None,
    allow_local: Annotated[bool, typer.Option(help="Contact forges at private addresses, for tests.")] = False,
    dataset: Annotated[str, typer.Option(help="Name of the dataset, as it stands on the page.")] = "this dataset",
    contact: Annotated[str, typer.Option(help="How to reach a person: an address or a URL.")] = "",
    trusted_proxy: Annotated[
        list[str] | None, typer.Option(help="Address or network of a proxy whose X-Forwarded-For is believed.")
    ] = None,
) -> None:
    """Serve the page on which owners opt out.

    Example: gleanery optout serve --registry optout.sqlite --port 8080
    """
    from gleanery.optout.settings import WebSettings
    from gleanery.optout.web import serve

    values: dict[str, Any] = {"allow_local": allow_local, "dataset": dataset, "contact": contact}
    if host_of_forge:
        values["extra_hosts"] = tuple(host_of_forge)
    if trusted_proxy:
        values["trusted_proxies"] = tuple(trusted_proxy)
    if url:
        values["public_url"] = url
    if not contact:
        err.print("note: without --contact the page tells owners to write to its operator, and not where")
    serve(_registry_url(registry), host, port, WebSettings(**values))


@app.command("block")
def block(
    value: Annotated[str, typer.Argument(help="Such as https://host/owner/name, pypi/name, host/owner or a blob id.")],
    registry: RegistryUrl = "optout.sqlite",
    scope: Scope = "repo",
    create: Annotated[bool, typer.Option("--create", help="Make the registry if it is not there yet.")] = False,
) -> None:
    """Block a repository, an owner or a content by hand, for a request that came another way.

    Example: gleanery optout block pypi/requests --registry optout.sqlite
    """
    from gleanery.optout.typed import rule_value

    with _followed():
        rule_value(scope, value)  # a wrong name makes no registry
        opened = _open_registry(registry, create=create)
        _tell(opened.append_rule(scope, value, "block"), opened.place)


@app.command("unblock")
def unblock(
    value: Annotated[str, typer.Argument(help="What the block named.")],
    registry: RegistryUrl = "optout.sqlite",
    scope: Scope = "repo",
    request: Annotated[
        list[str] | None, typer.Option("--request", help="Number of an owner's proven request that is lifted too.")
    ] = None,
) -> None:
    """Take a block of your own back. The registry keeps both rules: it is append-only.

    Example: gleanery optout unblock pypi/requests --registry optout.sqlite
    """
    with _followed():
        opened = _open_registry(registry)
        _tell(opened.append_rule(scope, value, "unblock", lifting=request or ()), opened.place)


@app.command("list")
def list_rules(registry: RegistryUrl = "optout.sqlite") -> None:
    """List the rules of the registry in their order.

    Example: gleanery optout list --registry optout.sqlite
    """
    rules = _open_registry(registry).rules()
    rows = tuple((r.seq, r.action, r.scope, r.value, r.request_id or "by hand") for r in rules)
    draw("", ("seq", "action", "scope", "value", "request"), rows)


@app.command("requests")
def list_requests(registry: RegistryUrl = "optout.sqlite") -> None:
    """List the requests of owners, with what came of each.

    Example: gleanery optout requests --registry optout.sqlite
    """
    rows = tuple(
        (r.id, r.repository, r.state, _time(r.created_at), _time(r.updated_at), r.last_result or "")
        for r in _open_registry(registry).requests()
    )
    draw("", ("request", "repository", "state", "asked", "changed", "last check"), rows)


@app.command("close")
def close(
    request: Annotated[str, typer.Argument(help="Number of a request that waits for its file.")],
    registry: RegistryUrl = "optout.sqlite",
) -> None:
    """Close a request that was not proven. Its receipt says so.

    Example: gleanery optout close 0123456789abcdef --registry optout.sqlite
    """
    with _followed():
        _open_registry(registry).reject_request(request)
    out.print("closed")


@app.command("history")
def history(
    value: Annotated[str, typer.Argument(help="A repository, package, account or content; nothing for all.")] = "",
    registry: RegistryUrl = "optout.sqlite",
    scope: Scope = "repo",
    entries: Annotated[
        bool, typer.Option("--json", help="The entries of the log as they are, one JSON object in each line.")
    ] = False,
) -> None:
    """Say what was asked about a repository, when, and what came of it.

    Example: gleanery optout history https://github.com/owner/name --registry optout.sqlite
    """
    with _followed():
        found = _open_registry(registry).history(scope, value)
    if entries:
        write("".join(json.dumps(entry.plain(), ensure_ascii=False) + "\n" for entry in found))
        return
    draw(
        "",
        ("entry", "time (UTC)", "request", "what"),
        tuple((e.seq, _time(e.at), e.request, e.sentence) for e in found),
    )


@app.command("check")
def check(
    registry: RegistryUrl = "optout.sqlite",
    known: Annotated[str, typer.Option(help="End of the log as this command said it earlier: ENTRY:HASH.")] = "",
) -> None:
    """Check that nobody changed the registry's log, and say how it ends. Note that somewhere else.

    Example: gleanery optout check --registry optout.sqlite
    """
    from gleanery.optout.chain import Head

    entry, _, digest = known.partition(":")
    if known and not (entry.isascii() and entry.isdigit() and re.fullmatch("[0-9a-f]{64}", digest)):
        raise wrong("this is no end of a log", "give --known as ENTRY:HASH, as this command said it")
    opened = _open_registry(registry)
    opened.verify_log(Head(int(entry), digest) if known else None)
    head = opened.log_head()
    out.print(f"intact; the log ends at {head.entries}:{head.hash}", soft_wrap=True)


@app.command("forget")
def forget(
    registry: RegistryUrl = "optout.sqlite",
    days: Annotated[int, typer.Option(min=0, help="Days since such a request ended.")] = 30,
) -> None:
    """Forget what requests were about that ended without a proof. The page does so by itself.

    Example: gleanery optout forget --registry optout.sqlite
    """
    out.print(f"{_open_registry(registry).forget(days)} requests forgotten")


@app.command("restore")
def restore_backup(
    backup: Annotated[Path, typer.Argument(parser=local_path, help="The file of a backup.")],
    registry: RegistryUrl = "optout.sqlite",
) -> None:
    """Put a backup in the place of a registry in SQLite, after its log was checked. The replaced file is kept.

    Example: gleanery optout restore optout-backup.sqlite --registry optout.sqlite
    """
    from gleanery.optout.engines import is_server
    from gleanery.optout.restore import restore

    target = _registry_url(registry)
    if is_server(target):
        raise wrong("this restores registries in SQLite", "give a backup of PostgreSQL to `pg_restore`")
    restored = restore(backup, Path(target.database))
    kept = f"; the replaced file is {restored.kept}" if restored.kept else ""
    out.print(
        f"restored {target.database}: rules up to {restored.position}, {restored.entries} entries of the log{kept}"
    )


@app.command("copy")
def copy(
    target: Annotated[str, typer.Argument(help="SQLite file, or a database URL, where there is no registry yet.")],
    registry: RegistryUrl = "optout.sqlite",
) -> None:
    """Copy a registry whole into another database. Stop the page first; requests and receipts go with it.

    Example: gleanery optout copy postgresql://host/name --registry optout.sqlite
    """
    from gleanery.optout.copies import copy_registry

    copied = copy_registry(_registry_url(registry), _registry_url(target))
    out.print(
        f"copied to {copied.place}: rules up to {copied.position}, {copied.entries} entries of the log; "
        "give this one to the page and to the runs from now on, and write no more to the other",
        soft_wrap=True,
    )


def _registry_url(given: str) -> Any:
    from gleanery.optout.engines import address

    return address(given)


def _open_registry(given: str, create: bool = False) -> Any:
    from gleanery.optout.registry import Registry

    return Registry.open(_registry_url(given), create=create)


@contextmanager
def _followed() -> Iterator[None]:
    """What the registry does not take was a wrong argument."""
    try:
        yield
    except RejectRecord as error:
        raise wrong(error.message, error.hint) from None


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _tell(rule: Any, place: str) -> None:
    out.print(f"rule {rule.seq}: {rule.action} {rule.value}; it acts from the next run on with the registry {place}")
