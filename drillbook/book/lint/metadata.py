"""Rules about tags, prose and the file's place."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from drillbook.book import catalogue
from drillbook.book.lint.book import Book, did_you_mean
from drillbook.book.lint.tags import KEBAB, TAGS, Level
from drillbook.book.prose import REQUIRED, sections, structured
from drillbook.evidence import shapes
from drillbook.evidence.redact import holds_secret
from drillbook.model import BoundRunbook, Problem, Runbook, Step, Tag

PROGRAMS = (
    *("aws", "bash", "beeline", "crictl", "curl", "docker", "etcdctl", "helm", "java", "kafka"),
    *("kill", "kubectl", "mc", "mongosh", "mysql", "promtool", "psql", "python", "python3"),
    *("redis-cli", "rm", "sh", "spark-submit", "sqlplus", "ssh", "sudo", "systemctl", "trino"),
)
_COMMAND = re.compile(rf"`\s*(?:\$ ?)?((?:{'|'.join(PROGRAMS)})\s[^`]*)`")
_ID = re.compile(r"\bRB-[A-Z][A-Z0-9]*-\d{3}\b")


def place(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """The file's path becomes its page's path and a node id, so it must do for both."""
    if not re.fullmatch(rf"features/{KEBAB}/{KEBAB}\.feature", str(runbook.path), re.ASCII):
        what = f"{str(runbook.path)!r} does not give a page its place."
        fix = "Move it to features/<area>/<runbook>.feature, in small letters with hyphens."
        yield runbook.problem(1, "bad-path", what, fix)


def required_tags(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """Metadata that pages, scores and drills are made from."""
    for name, spec in TAGS.items():
        wanted = spec.required or (name == "alert" and not runbook.is_operation)
        if wanted and not any(tag.name == name for tag in runbook.tags):
            what = f"the Feature has no @{name} tag."
            fix = f"Write {spec.example}."
            yield runbook.problem(runbook.line, "missing-tag", what, fix)


def no_alert(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A person decides when an operation is done: its need is a check of @detection."""
    for tag in runbook.tags if runbook.is_operation else ():
        if tag.name == "alert":
            fix = "Remove the tag, or @kind:operation."
            yield _at(runbook, tag, "operation-alert", "leads to an operation.", fix)


def known_tags(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A tag that nothing knows does nothing, whatever its author thinks."""
    for _, tags in _tagged(runbook):
        for tag in tags:
            if tag.name not in TAGS:
                known = "Known tags: " + ", ".join(f"@{name}" for name in TAGS) + "."
                near = did_you_mean(f"@{tag.name}", (f"@{name}" for name in TAGS), known)
                yield _at(runbook, tag, "unknown-tag", "is not a tag of runbooks.", near)


def tag_levels(runbook: Runbook, book: Book) -> Iterator[Problem]:
    for level, tags in _tagged(runbook):
        for tag in tags:
            spec = TAGS.get(tag.name)
            if spec is not None and level not in spec.levels:
                fix = f"Move it above {' or '.join(spec.levels)}."
                yield _at(runbook, tag, "tag-level", f"does not belong above {level}.", fix)


def tag_values(runbook: Runbook, book: Book) -> Iterator[Problem]:
    for _, tags in _tagged(runbook):
        for tag in tags:
            spec = TAGS.get(tag.name)
            if spec is not None and not spec.accepts(tag.value):
                fix = f"Write {spec.example}."
                yield _at(runbook, tag, "tag-value", "does not say what it should.", fix)


def repeated_tags(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """Of two ids, one would be ignored."""
    for level, tags in _tagged(runbook):
        names: set[str] = set()
        for tag in tags:
            spec = TAGS.get(tag.name)
            if tag.name in names and spec is not None and not spec.repeated:
                what = f"is the second @{tag.name} above {level}."
                yield _at(runbook, tag, "repeated-tag", what, "Keep one of them.")
            names.add(tag.name)


def own_id(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """Records are filed by the runbook's id."""
    others = [one for one in book.by_id[runbook.id] if one is not runbook]
    if runbook.id and others:
        yield runbook.problem(
            next(tag.line for tag in runbook.tags if tag.name == "id"),
            "duplicate-id",
            f"the id {runbook.id} is also that of {', '.join(str(one.path) for one in others)}.",
            "Give the newer of them a new number.",
        )


def as_listed(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """The catalogue says which runbooks there are, where, and what each must prove."""
    return catalogue.differences(runbook, book.catalogue)


def told_apart(runbook: Runbook, book: Book) -> Iterator[Problem]:
    bound = book.bound.get(str(runbook.path))
    if bound is not None and str(runbook.path) not in book.unbound:
        yield from catalogue.equal_causes(bound)


def prose(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A title, and the lines that orient a responder before the first command."""
    if not runbook.title:
        fix = "Write the symptom behind `Feature:`; it is the page's title."
        yield runbook.problem(runbook.line, "missing-prose", "the Feature has no name.", fix)
    there = sections(runbook.description)
    for label in REQUIRED:
        if not there.get(label):
            what = f"the Feature's description has no line {label!r}."
            fix = f"Write `{label}: ...` below the Feature line."
            yield runbook.problem(runbook.line, "missing-prose", what, fix)


def running_text(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A page prints a description as running text: a list would become one long line."""
    for line, text in _descriptions(runbook):
        if found := structured(text):
            what = f"{found!r} begins a list, a table or a block, which a page prints on one line."
            yield runbook.problem(line, "prose-structure", what, "Write sentences.")


def no_commands(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """What is worth running is a step: a drill runs it, and the page prints what it ran."""
    notes = ((one.step.line, getattr(one.value, "note", "")) for one in book.steps(runbook))
    for line, text in (*_descriptions(runbook), *notes):
        if found := _COMMAND.search(text):
            what = f"prose holds the command `{found[1]}`, which no drill has run."
            yield runbook.problem(line, "command-in-prose", what, "Make it a step.")


def known_ids(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A runbook that prose sends its reader to."""
    for line, text in _descriptions(runbook):
        for name in _ID.findall(text):
            if name not in book.by_id:
                near = did_you_mean(name, book.by_id, "Correct it, or write that runbook.")
                yield runbook.problem(line, "unknown-id", f"no runbook is {name}.", near)


def no_secrets(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """The shape of a secret, in what was written or its lines; what was found is not printed."""
    return secrets(runbook, book.bound.get(str(runbook.path)))


def secrets(runbook: Runbook, bound: BoundRunbook | None) -> Iterator[Problem]:
    """What looks like a secret in a runbook; `render` writes no page of such a one."""
    lines = (
        (step.step.line, str(line))
        for step in (bound.steps if bound else ())
        for line in step.value.lines()
    )
    for line, text in (*_texts(runbook), *lines):
        clean = _without_secrets(text)
        if clean != text:
            what = f"{clean!r} holds what looks like a secret."
            fix = (
                "Name the Secret that holds it instead, and change it: whoever has this file has "
                'it. If it is none, write a variable ("$TOKEN") in its place, or reword.'
            )
            yield runbook.problem(line, "secret", what, fix)


def shown_secrets(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A page's block prints what it found, and the page asks to hand that over."""
    for step in book.steps(runbook):
        read = {one.var.name for one in getattr(step.value, "reads", ())}
        found = {f.var.name for one in getattr(step.value, "names", ()) for f in one.finds}
        for name in sorted(filter(holds_secret, read | found)):
            what = f"the page would print the value of {name}, which is a secret by its name."
            fix = "Let a Credential of the component read it, or name the variable for what it is."
            yield runbook.problem(step.step.line, "secret-shown", what, fix)


# The sentences of a large book, and their lines, are the same again and again.
_without_secrets = lru_cache(maxsize=8192)(shapes.without)


def unfinished(runbook: Runbook, book: Book) -> Iterator[str]:
    """A note for a skeleton's words that nobody has replaced."""
    if lines := sorted({line for line, text in _texts(runbook) if "TODO" in text}):
        told = ", ".join(map(str, lines))
        yield f"note: {runbook.path}: a skeleton: TODO stands in what begins at line {told}."


def _descriptions(runbook: Runbook) -> Iterator[tuple[int, str]]:
    yield runbook.line, runbook.description
    yield from ((cause.line, cause.description) for cause in runbook.causes)


def _texts(runbook: Runbook) -> Iterator[tuple[int, str]]:
    """Everything that a person wrote, with its line."""
    yield runbook.line, runbook.title
    yield runbook.line, runbook.description
    for _, tags in _tagged(runbook):
        yield from ((tag.line, tag.value) for tag in tags)
    yield from _of_steps(runbook.background)
    for cause in runbook.causes:
        yield from ((cause.line, text) for text in (cause.name, cause.description))
        yield from _of_steps(cause.background)
        for scenario in cause.scenarios:
            yield scenario.line, scenario.name
            yield from _of_steps(scenario.steps)


def _of_steps(steps: Sequence[Step]) -> Iterator[tuple[int, str]]:
    for step in steps:
        yield step.line, step.text
        yield step.line, step.doc_string or ""
        yield from ((step.line, ": ".join(row)) for row in step.table or ())


def _tagged(runbook: Runbook) -> Iterator[tuple[Level, tuple[Tag, ...]]]:
    """Every place that holds tags."""
    yield Level.RUNBOOK, runbook.tags
    for cause in runbook.causes:
        # The cause of scenarios outside every Rule stands on the Feature's own line and tag.
        if cause.line != runbook.line:
            yield Level.CAUSE, cause.tags
        for scenario in cause.scenarios:
            yield Level.SCENARIO, scenario.tags


def _at(runbook: Runbook, tag: Tag, rule: str, what: str, fix: str) -> Problem:
    shown = f"@{tag.name}:{tag.value}" if tag.value else f"@{tag.name}"
    return runbook.problem(tag.line, rule, f"{shown} {what}", fix)


RULES = (
    *(place, required_tags, no_alert, known_tags, tag_levels, tag_values, repeated_tags, own_id),
    *(prose, as_listed, told_apart, running_text, no_commands, known_ids, no_secrets),
    shown_secrets,
)
