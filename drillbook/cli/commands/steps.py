"""`steps`: which sentences, sources and matchers there are, and what each prints."""

import inspect
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, fields
from typing import Any, Final

from rich.console import Console

from drillbook import sources
from drillbook.book import checkout as book
from drillbook.book.samples import Sample, samples
from drillbook.cli.columns import tell
from drillbook.cli.document import PAGE, document
from drillbook.cluster.settings import Settings
from drillbook.model import matchers
from drillbook.model.errors import RunbookProblem, UsageError

LEGEND: Final = (
    '"<...>" is a text in quotes; <budget> a time, such as 90s or 2m; `the <part> of "<name>"` a '
    "part of a component, such as the server."
)


def steps(settings: Settings, words: Sequence[str], console: Console) -> None:
    """Print what holds all the words, in any case. Raises UsageError when nothing does."""
    found = [
        block
        for block in (*map(_told, _sentences(settings)), *_sources(), *_matchers())
        if all(word.casefold() in "\n".join(block).casefold() for word in words)
    ]
    if not found:
        raise UsageError(
            f"no sentence, source or matcher holds {' '.join(words)!r}. Ask for fewer words, or "
            "write a sentence: docs/write-a-runbook.md says how."
        )
    tell(console, (line for block in found for line in block))
    tell(console, [LEGEND])


def write_document(settings: Settings, check: bool, console: Console) -> None:
    """Bring the tables of docs/write-a-runbook.md up to date; with `check`, only compare. Raises
    RunbookProblem when they differ."""
    path = settings.root / PAGE
    if not path.is_file():
        raise UsageError(f"{path}: there is no such page, so it has no tables.")
    text = path.read_text("utf-8")
    new = document(text, settings.root, _sentences(settings))
    if check and new != text:
        raise RunbookProblem(f"{PAGE}: its tables are old. Run `drillbook steps --document`.")
    if new != text:
        path.write_text(new, "utf-8")
    console.print(f"{PAGE}: {'is as it was' if new == text else 'written'}.", highlight=False)


def _sentences(settings: Settings) -> list[Sample]:
    return samples(book.definitions(settings.root), settings.root)


def _told(one: Sample) -> list[str]:
    return [f"{one.sentence}  [{one.kind}, {one.place}]", *(f"    {line}" for line in one.lines)]


def _sources() -> Iterator[list[str]]:
    for name in sorted(sources.__all__):
        kind = getattr(sources, name)
        if inspect.isclass(kind) and hasattr(kind, "read"):
            yield [f"source {name}({_arguments(kind)})", f"    {_first(kind)}"]


def _matchers() -> Iterator[list[str]]:
    for name, kind in sorted(vars(matchers).items()):
        if inspect.isclass(kind) and name.islower() and hasattr(kind, "holds"):
            yield [f"matcher {name}({_arguments(kind)})", f"    {_first(kind)}"]


def _arguments(kind: Any) -> str:
    """A dataclass's fields; what may be left out is in brackets."""
    return ", ".join(one.name if _is_needed(one) else f"[{one.name}]" for one in fields(kind))


def _is_needed(one: Field[Any]) -> bool:
    return one.default is MISSING and one.default_factory is MISSING


def _first(kind: type) -> str:
    """The first paragraph of what it says of itself."""
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
