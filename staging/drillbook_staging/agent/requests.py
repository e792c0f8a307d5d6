"""What may be asked of the agent: one JSON object per line, checked in full. Pure."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from drillbook.model.errors import Refused
from drillbook_staging.agent.change import DRILL_NAME, Verb, utc

AHEAD_S = 3600.0
"""How far ahead an expiry may lie: a drill that died must not keep a node for longer."""
LONGEST_LINE = 64 * 1024
"""Bytes. A request takes some two hundred."""

Drill = Annotated[str, Field(pattern=DRILL_NAME)]
Expires = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Hello(_Request):
    """Who is there?"""

    do: Literal["hello"]


class Apply(_Request):
    """Take a node away."""

    do: Literal["apply"]
    drill: Drill
    sequence: int = Field(ge=0, lt=10**6, strict=True)
    verb: Verb
    node: str
    expires: Expires


class Renew(_Request):
    """All of a drill's changes last until then."""

    do: Literal["renew"]
    drill: Drill
    expires: Expires


class Undo(_Request):
    """Bring back what a drill took away, now."""

    do: Literal["undo"]
    drill: Drill


class List(_Request):
    """What is not undone?"""

    do: Literal["list"]


Request = Hello | Apply | Renew | Undo | List

_any: TypeAdapter[Request] = TypeAdapter(Annotated[Request, Field(discriminator="do")])


def read(line: bytes) -> Request:
    """A request from its line. Raises Refused, naming every field that is wrong."""
    if len(line) > LONGEST_LINE:
        raise Refused(f"the request is longer than {LONGEST_LINE} bytes; wanted one JSON object.")
    try:
        return _any.validate_json(line)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, each['loc'])) or 'the line'}: {each['msg']}"
            for each in error.errors()
        )
        raise Refused(
            f"not a request of the host agent: {wrong}. See "
            "`python -m drillbook_staging.agent --help`."
        ) from error


def refuse_expiry(expires: float, now: float) -> None:
    """Raise Refused for one that has passed, or is too far ahead. Pure."""
    if expires <= now:
        raise Refused(f"the expiry {utc(expires)} has passed; it is {utc(now)}.")
    if expires > now + AHEAD_S:
        raise Refused(
            f"the expiry {utc(expires)} is more than {AHEAD_S / 60:g} minutes ahead; it is "
            f"{utc(now)}. Ask for less, and renew."
        )
