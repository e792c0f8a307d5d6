"""What typer cannot say: an option whose value may be left out."""

from __future__ import annotations

import re
from itertools import zip_longest

from typer._click.core import Context
from typer.core import TyperCommand

from drillbook.cluster.settings import LONGEST_KEPT, Settings
from drillbook.model import Duration
from drillbook.model.errors import UsageError
from drillbook.model.words import DURATION_PATTERN

LEAVE_STANDING = "--leave-standing"
BY_SETTING = "setting"
"""Stands for a duration that was not given."""


class DrillCommand(TyperCommand):
    """`drill`: what follows `--leave-standing` is its value only when it is a duration."""

    def parse_args(self, ctx: Context, args: list[str]) -> list[str]:
        found = [
            f"{LEAVE_STANDING}={BY_SETTING}"
            if word == LEAVE_STANDING and not re.fullmatch(DURATION_PATTERN, after or "")
            else word
            for word, after in zip_longest(args, args[1:])
        ]
        return super().parse_args(ctx, found)


def standing(settings: Settings, text: str | None) -> Duration | None:
    """How long an incident is left standing; None when it is not. Raises UsageError."""
    if text is None:
        return None
    if text == BY_SETTING:
        return settings.duration("leave_standing")
    try:
        found = Duration(text)
    except ValueError as error:
        raise UsageError(f"{LEAVE_STANDING}: {error}") from error
    if found > LONGEST_KEPT:
        raise UsageError(f"{LEAVE_STANDING}: an incident stands for {LONGEST_KEPT} at most.")
    return found


def jobs(text: str) -> int | None:
    """How many drills may run at once; None for as many as the machine carries. Raises
    UsageError."""
    if text == "auto":
        return None
    if not text.isdecimal() or int(text) < 1:
        raise UsageError(f"--jobs {text}: write a number from 1 on, or auto.")
    return int(text)
