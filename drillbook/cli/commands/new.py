"""`new`: a runbook's files, as a skeleton that lints."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from drillbook.book import catalogue, samples, skeleton
from drillbook.book import checkout as book
from drillbook.book.lint.book import did_you_mean
from drillbook.book.rule_files import VALUES
from drillbook.book.samples import Sample
from drillbook.cli.columns import tell
from drillbook.cli.commands import offline
from drillbook.cluster.settings import Settings
from drillbook.model.errors import CouldNotTell, UsageError


def runbook(settings: Settings, name: str, on: str, console: Console) -> None:
    """Write them all, or none. Raises UsageError where one is there, or the catalogue has no such
    runbook."""
    entry = _entry(settings, name)
    if (settings.root / entry.path).exists():
        raise UsageError(f"{entry.path}: is there already. Nothing was written.")
    alert, stand = skeleton.alert_of(entry), _stand(settings, entry, on)
    if alert in book.alerts(settings).written:
        raise UsageError(
            f"there is a rule for the alert {alert} already. Give {name} another name for its own "
            f"in {catalogue.FILE}: `alerts: [...]`. Nothing was written."
        )
    files = {settings.root / path: text for path, text in skeleton.texts(entry, stand).items()}
    if there := [str(path.relative_to(settings.root)) for path in files if path.exists()]:
        raise UsageError(f"{', '.join(there)}: is there already. Nothing was written.")
    files.update(_values(settings, alert) if alert else {})
    _write(files)
    tell(console, (f"written: {path.relative_to(settings.root)}" for path in files))
    offline.render_pages(settings, check=False, console=console)
    tell(console, _next_moves(entry.id, alert))


def _write(files: Mapping[Path, str]) -> None:
    """All of them, or none: what was there is put back. Raises CouldNotTell."""
    before = {path: path.read_text("utf-8") if path.exists() else None for path in files}
    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as error:
        for path, old in before.items():
            if old is not None:
                path.write_text(old, "utf-8")
            elif path.exists():
                path.unlink()
        raise CouldNotTell(
            f"{error.filename}: cannot be written: {error.strerror}. Nothing was written."
        ) from error


def _entry(settings: Settings, name: str) -> catalogue.Entry:
    listed = catalogue.load(settings.root)
    known = {
        one.path.removeprefix("features/").removesuffix(".feature"): one for one in listed.values()
    }
    if name not in known:
        line = "{id: RB-AREA-001, src: X, causes: [first-cause]}"
        write = f"Write it there, below its area: `name: {line}`. Nothing was written."
        raise UsageError(
            f"{catalogue.FILE} has no runbook {name!r}. {did_you_mean(name, known, write)}"
        )
    return known[name]


def _stand(settings: Settings, entry: catalogue.Entry, on: str) -> Sample:
    """The component that the skeleton breaks."""
    every = samples.samples(book.definitions(settings.root), settings.root)
    fit = sorted((one for one in every if skeleton.is_fit(one)), key=lambda one: one.text)
    chosen = [one for one in fit if on.casefold() in one.text.casefold()]
    if not chosen:
        known = "; ".join(one.text for one in fit) or "none"
        raise UsageError(f"--on {on!r}: no component of that name stands alone. There is: {known}.")
    # One whose system the runbook's name says, such as redis-connectivity.
    return min(chosen, key=lambda one: Path(one.place).stem.partition(".")[0] not in entry.path)


def _values(settings: Settings, alert: str) -> Mapping[Path, str]:
    """Each environment's values with the new alert's: at once where drills measure it."""
    found = {}
    for path in sorted((settings.root / VALUES).glob("*.yaml")):
        wait = "0s" if path.stem == settings.environment else "1m"
        try:
            found[path] = skeleton.with_wait(path.read_text("utf-8"), alert, wait)
        except ValueError as error:
            raise UsageError(
                f"{path}: {error}, so {alert} was not added. Nothing was written."
            ) from error
    return found


def _next_moves(name: str, alert: str) -> list[str]:
    tests = f"drillbook rules test {alert}; drillbook staging up; " if alert else ""
    return [
        f"next: drillbook lint; {tests}drillbook drill {name}",
        "It drills as it is, and says nothing true yet: replace each TODO (lint says where). "
        "docs/write-a-runbook.md goes on from here.",
    ]
