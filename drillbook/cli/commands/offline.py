"""`lint`, `render`, `score`, `accept`: what needs no cluster."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

from rich.console import Console

from drillbook.book import catalogue as listed
from drillbook.book import checkout as book
from drillbook.book import lint as linting
from drillbook.book import monitoring, promtool, reader, tree
from drillbook.book.bind import Binder
from drillbook.book.halves import in_halves
from drillbook.cli.columns import tell
from drillbook.cli.gate import annotation
from drillbook.cli.unchanged import Unchanged, below, contents, digest, surroundings
from drillbook.cluster.settings import Settings
from drillbook.evidence import accept as accepting
from drillbook.evidence import proof, score
from drillbook.evidence.records import Drill
from drillbook.model import BoundRunbook, Problem, Runbook, page_of
from drillbook.model.errors import CouldNotTell, RunbookProblem, UsageError
from drillbook.pages import render


def problems(
    settings: Settings, paths: Sequence[Path]
) -> tuple[list[Runbook], list[Problem], list[str]]:
    """The runbooks under `paths`, everything wrong with them, judged among all of the checkout's,
    and what is worth knowing of them."""
    every, unreadable = book.runbooks(settings, [])
    binder = Binder(book.definitions(settings.root))
    rules = book.alerts(settings)
    context = linting.Book(
        runbooks=tuple(every),
        bound={},
        unreadable=tuple(unreadable),
        alerts=rules,
        written_alerts=rules.written,
        rule_problems=tuple(promtool.rule_problems(settings)),
        pages_url=settings.pages_url,
        severities=settings.severities,
        scrape_s=settings.scrape_s,
        evaluation_s=settings.evaluation_s,
        default_within_s=settings.duration("probe_within").seconds,
        scripts=_scripts(settings.root),
        catalogue=listed.load(settings.root),
    )

    def judged(some: Sequence[Runbook]) -> tuple[set[Problem], list[str]]:
        results = [binder.bind(runbook) for runbook in some]
        bound = replace(
            context,
            bound={str(b.runbook.path): b for b, _ in results if b is not None},
            bind_problems=tuple(p for _, found in results for p in found),
        )
        meant = [one for one in some if wanted is None or str(one.path) in wanted]
        return linting.of_runbooks(bound, some), linting.notes(bound, meant)

    wanted = _wanted(settings, paths)
    halves = in_halves(judged, every)
    every_one = {p for half, _ in halves for p in half}
    notes = [note for _, half in halves for note in half]
    found = sorted({*every_one, *linting.of_book(context), *tree.problems(settings.root)})
    if wanted is None:
        return every, found, notes
    return [r for r in every if str(r.path) in wanted], _of(found, wanted), notes


def _of(found: Iterable[Problem], wanted: set[str]) -> list[Problem]:
    """What is wrong with a rule or a step module concerns all; with another runbook, not."""
    beside = f"{reader.FEATURES}/"
    return [one for one in found if one.path in wanted or not one.path.startswith(beside)]


def _scripts(root: Path) -> frozenset[str]:
    files = (path for path in (root / "scripts").rglob("*") if path.is_file())
    return frozenset(path.relative_to(root).as_posix() for path in files)


def _wanted(settings: Settings, paths: Sequence[Path]) -> set[str] | None:
    if not paths:
        return None
    return {str(path.relative_to(settings.root)) for path in reader.discover(settings.root, paths)}


def lint(
    settings: Settings, paths: Sequence[Path], console: Console, annotations: bool = False
) -> None:
    """Print every problem, as GitHub shows it on its line too if asked for. Raises RunbookProblem
    (or UsageError for unreadable files)."""
    number, found, notes = _problems_now(settings, paths)
    tell(console, notes)
    shown = annotations or bool(os.environ.get("GITHUB_ACTIONS"))
    tell(console, (line for p in found for line in ([str(p), annotation(p)] if shown else [p])))
    unreadable = [p for p in found if p.rule == linting.UNREADABLE]
    if unreadable:
        files = {problem.path for problem in unreadable}
        raise UsageError(f"{len(found)} problems; {len(files)} files could not be read.")
    if found:
        raise RunbookProblem(f"{len(found)} problems in {len({p.path for p in found})} files.")
    console.print(f"{number} runbooks, no problem.")


def _problems_now(
    settings: Settings, paths: Sequence[Path]
) -> tuple[int, list[Problem], list[str]]:
    """How many runbooks are meant, and all that is to say of them, from memory if unchanged."""
    known, wanted = Unchanged.load(settings.root), _wanted(settings, paths)
    everything = _everything(settings)
    if known.lint == everything:
        every = {str(p.relative_to(settings.root)) for p in reader.discover(settings.root)}
        meant = every if wanted is None else every & wanted
        stray = sorted(tree.stray(settings.root))
        return len(meant), stray if wanted is None else _of(stray, meant), []
    checked, found, notes = problems(settings, paths)
    if not (paths or found or notes) and everything == _everything(settings):
        known.lint = everything
        known.save()
    return len(checked), found, notes


def _everything(settings: Settings) -> str:
    """The digest of all that lint looks at, but for names that `tree.stray` looks at."""
    files = contents(below(settings.root / reader.FEATURES))
    return digest([surroundings(settings), promtool.identity(settings), *files])


def pages(
    settings: Settings, bound: Sequence[BoundRunbook], proofs: Path, only: str | None = None
) -> dict[Path, str]:
    """Each page's path under the checkout and its text, from a folder of runs, or one of them."""
    return _printer(settings, proofs, only)(bound)


def _printer(
    settings: Settings, proofs: Path, only: str | None = None
) -> Callable[[Sequence[BoundRunbook]], dict[Path, str]]:
    """`pages` of any runbooks, with rules and records read once."""
    rules, newest = book.alerts(settings), accepting.newest(proofs, only)
    production = render.production_rules(settings.root)
    shared: dict[str, Any] = {"rules": rules, "production": production, "drills": newest}

    def page(b: BoundRunbook) -> str:
        hashes = proof.hashes(b, settings.root, rules)
        return render.page(b, hashes=hashes, proof_days=settings.proof_days, **shared)

    return lambda bound: {settings.root / b.runbook.page: page(b) for b in bound}


def render_pages(settings: Settings, check: bool, console: Console) -> None:
    """Write every page; with `check`, only compare. Raises RunbookProblem when they differ."""
    root = settings.root
    every = {p: root / page_of(PurePosixPath(p.relative_to(root))) for p in reader.discover(root)}
    texts = _changed_texts(settings, every)
    differing = [p for p, text in texts.items() if _present(p) != text.encode()]
    number = len(set(every.values()))
    orphans = sorted(set((settings.root / "runbooks").rglob("*.md")) - set(every.values()))
    if not check:
        for path in differing:
            _write(settings.root, path, texts[path])
        console.print(f"{number} pages, {len(differing)} changed.")
        return
    unix = {p: (_present(p) or b"").replace(b"\r\n", b"\n") for p in differing}
    windows = [p for p in differing if unix[p] == texts[p].encode()]
    if windows:
        raise RunbookProblem(
            f"{windows[0].relative_to(settings.root)}: Windows line ends ({len(windows)} pages); "
            "nothing else differs. Clone again: .gitattributes keeps them as they are committed."
        )
    if differing or orphans:
        names = [str(path.relative_to(settings.root)) for path in differing]
        strays = [str(path.relative_to(settings.root)) for path in orphans]
        raise RunbookProblem(
            f"pages that are not what the features render to: {', '.join(names) or 'none'}; "
            f"pages without a feature: {', '.join(strays) or 'none'}. "
            "Run `drillbook render`, and remove pages without a feature."
        )
    console.print(f"{number} pages are what the features render to.")


def _changed_texts(settings: Settings, every: Mapping[Path, Path]) -> dict[Path, str]:
    """Page -> text, without what is unchanged. `every`: feature file -> page."""
    known, made_of = Unchanged.load(settings.root), _made_of(settings, every)
    right = {
        str(feature): kept
        for feature, page in every.items()
        if (kept := known.pages.get(str(feature)))
        and kept == digest([made_of[feature], _present(page)])
    }
    changed = [feature for feature in every if str(feature) not in right]
    if not changed:
        return {}
    texts = _texts(settings, changed)
    if made_of == _made_of(settings, every):
        made = {str(f): digest([made_of[f], texts[every[f]].encode()]) for f in changed}
        known.pages = {**right, **made}
        known.save()
    return texts


def _made_of(settings: Settings, features: Iterable[Path]) -> dict[Path, str]:
    """The digest of all that each feature's page is made of."""
    shared = digest([surroundings(settings), *contents(below(settings.proof))])
    return {feature: digest([shared, *contents([feature])]) for feature in features}


def _texts(settings: Settings, features: Sequence[Path]) -> dict[Path, str]:
    """Page -> text. Raises for the first kind of problem that any of them has, with all of it."""
    found, unreadable = book.read(settings, features)
    monitoring.refuse([*unreadable, *book.alerts(settings).problems])
    binder = Binder(book.definitions(settings.root))
    printed = _printer(settings, settings.proof)

    def rendered(some: Sequence[Runbook]) -> tuple[list[str], list[str], dict[Path, str]]:
        results = [binder.bind(runbook) for runbook in some]
        bound = [one for one, _ in results if one is not None]
        wrong = [str(problem) for _, problems in results for problem in problems]
        secret = [str(p) for one in bound for p in linting.secrets(one.runbook, one)]
        return wrong, secret, {} if wrong or secret else printed(bound)

    halves = in_halves(rendered, found)
    if wrong := [text for problems, _, _ in halves for text in problems]:
        raise RunbookProblem("\n".join(wrong))
    if secret := [text for _, secrets, _ in halves for text in secrets]:
        raise RunbookProblem("\n".join([*secret, "No page is written before this is mended."]))
    return {page: text for _, _, texts in halves for page, text in texts.items()}


def _present(path: Path) -> bytes | None:
    """What is in the place of a page; None when it is no file that can be read."""
    try:
        return path.read_bytes()
    except OSError:
        return None


def _write(root: Path, path: Path, text: str) -> None:
    if not path.resolve().is_relative_to(root.resolve()):
        raise UsageError(
            f"{path}: leads to {path.resolve()}, which is outside the checkout {root}, so the page "
            "is not written there. Remove the link."
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
        raise UsageError(f"{path}: the page cannot be written: {error.strerror}.") from error
    except OSError as error:
        raise CouldNotTell(
            f"{path}: the page cannot be written: {error.strerror}. Make room or give the right to "
            "write there, then run `drillbook render`."
        ) from error


def scorecard(settings: Settings, month: str | None, console: Console) -> None:
    """Print the scorecard of the accepted runs (of one month, YYYY-MM)."""
    drills = [d for ones in accepting.newest(settings.proof).values() for d in ones]
    chosen = [d for d in drills if month is None or f"{d.started:%Y-%m}" == month]
    if not chosen:
        raise UsageError(
            f"no accepted drill{f' in {month}' if month else ''} under {settings.proof}. "
            "Run `drillbook drill`, then `drillbook accept RUN`."
        )
    planned = accepting.planned(settings.proof) if month is None else None
    card = score.scorecard(chosen, catalogue(settings, chosen), planned=planned)
    tell(console, [score.markdown(card)])


def catalogue(settings: Settings, drills: Sequence[Drill]) -> tuple[score.CauseResult, ...]:
    """Every cause of the checkout, and whether these drills prove it as its page would say."""
    found, unreadable = book.runbooks(settings, [])
    monitoring.refuse(unreadable)
    rules, proofs = book.alerts(settings), accepting.by_key(drills)
    written = [
        result
        for bound in book.bound(settings, found)
        for result in score.results(bound, proofs, proof.hashes(bound, settings.root, rules))
    ]
    there = {(one.runbook, one.cause) for one in written}
    wanted = ((e.id, c) for e in listed.load(settings.root).values() for c in e.causes)
    return (*written, *(score.unwritten(*one) for one in wanted if one not in there))


def accept(settings: Settings, run: str, console: Console) -> None:
    """Make a run the committed proof, and render."""
    folder = Path(run) if Path(run).is_dir() else settings.runs / run
    if folder.is_dir() and not folder.resolve().is_relative_to(settings.root.resolve()):
        raise UsageError(
            f"{folder}: leads to {folder.resolve()}, which is outside the checkout "
            f"{settings.root}. Copy the run into {settings.runs}."
        )
    if not folder.is_dir():
        known = ", ".join(sorted(p.name for p in settings.runs.glob("*"))) or "none"
        raise UsageError(f"no run {run!r} under {settings.runs}. There is: {known}.")
    found, _ = book.runbooks(settings, [])
    rules = book.alerts(settings)
    hashes = {
        (b.runbook.id, cause): value
        for b in book.bound(settings, found)
        for cause, value in proof.hashes(b, settings.root, rules).items()
    }
    tell(console, accepting.falsified(folder))
    kept = accepting.accept(folder, settings.proof, hashes)
    console.print(f"accepted: {kept.relative_to(settings.root)}. Commit it with the pages.")
    render_pages(settings, check=False, console=console)
