"""Templates: the files of this folder that pages are made from, and how values are put into them.

In: a name of a file. Out: its text, or the template. What comes from a run was written by strangers: templates escape
it, and a value that is not given is an error.
"""

from collections.abc import Callable
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template


def packaged(name: str) -> str:
    """The text of a file that comes with this room."""
    return resources.files("gleanery.release").joinpath(name).read_text("utf-8")


def template(name: str, **filters: Callable[..., Any]) -> Template:
    """A template with these filters, beside `number`, a count as people write it."""
    environment = Environment(
        loader=FunctionLoader(packaged),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": lambda count: f"{count:,}"} | filters
    return environment.get_template(name)
