"""Markdown templates, compiled once, and the one way to fill them."""

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from drillbook.evidence import figures, markdown


@lru_cache(maxsize=1)
def _environment() -> Environment:
    # No autoescape: it escapes for HTML, and these pages are Markdown. What comes from outside
    # goes through drillbook.evidence.markdown, by the filters below or before it gets here.
    environment = Environment(  # noqa: S701
        loader=PackageLoader("drillbook.evidence", "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    environment.filters |= {
        "prose": markdown.prose,
        "cell": markdown.cell,
        "code": markdown.code,
        "fence": markdown.fence,
        "mermaid": markdown.mermaid,
        "percent": figures.percent,
        "seconds": figures.seconds,
        "before_or_after": figures.before_or_after,
    }
    return environment


def fill(name: str, **values: Any) -> str:
    """A template with its values; a missing value is an error. Blank lines never pile up."""
    text = _environment().get_template(name).render(**values)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.rstrip("\n") + "\n"
