"""Rules that close the circle: alert -> page -> runbook -> alert."""

from collections.abc import Iterator

from drillbook.book import promql
from drillbook.book.alert_rules import AlertRule, carries, labels_of, never_seen
from drillbook.book.lint.book import Book, did_you_mean
from drillbook.book.monitoring import absolute
from drillbook.model import Problem, Runbook

NAMESPACE = "namespace"


def known_alerts(runbook: Runbook, book: Book) -> Iterator[Problem]:
    for tag in runbook.tags:
        # What is wrong with a rule that somebody wrote is said where it stands.
        if tag.name == "alert" and tag.value not in {*book.alerts, *book.written_alerts}:
            what = f"no rule under monitoring/alerts is named {tag.value!r}."
            fix = did_you_mean(tag.value, book.alerts, "Correct the tag, or write the rule.")
            yield runbook.problem(tag.line, "unknown-alert", what, fix)


def own_page(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """Whoever is paged by a runbook's alert must land on that runbook's page."""
    for rule in _every(runbook, book):
        page = _page(rule, book)
        if page != str(runbook.page) and "://" not in page:
            what = (
                f"{runbook.path} is about the alert {rule.name}, whose runbook_url is "
                f"{rule.runbook_url!r}."
            )
            fix = f"Write runbook_url: {runbook.page}, or remove the @alert tag."
            yield _at(rule, "runbook-url", what, fix)


def own_labels(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """An alert that a namespace drill uses must be told from the same alert elsewhere: by the
    drill's namespace, or by another label of its own, or by the job that its expression names."""
    if not runbook.tag("domain").endswith("/namespace"):
        return
    for rule in _rules(runbook, book):
        if carries(rule, NAMESPACE):
            continue
        texts = [*(one.expr for one in rule.every), *(one.expr for one in rule.records)]
        trees = [promql.parsed(text) for text in texts]
        if any(promql.keeps_inside(tree, NAMESPACE) for tree in trees):
            why = "its expression keeps `namespace` inside and loses it outside."
        elif labels_of(rule) == frozenset(rule.labels) and not promql.tells_job(trees[0]):
            why = "its expression loses every label."
        else:
            continue
        what = (
            f"{runbook.path} drills in a namespace, but the alert {rule.name} does not say in "
            f"which it fires: {why}"
        )
        fix = "Aggregate `by (namespace, ...)` outermost, or give the runbook a wider @domain."
        yield _at(rule, "alert-namespace", what, fix)


def waited_for(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """A step that tells an alert by a label which it cannot carry would wait for ever."""
    bound = book.bound.get(str(runbook.path))
    for step, rule, label in never_seen(bound, book.alerts) if bound else ():
        if label != NAMESPACE:  # `own_labels` judges that one
            what = (
                f"{step.step.text!r} tells the alert {rule.name} by its label {label!r}, which "
                "its expression cannot carry."
            )
            fix = f"Keep the label in the expression ({rule.file}:{rule.line}), or name another."
            yield runbook.problem(step.step.line, "alert-label", what, fix)


def severities(runbook: Runbook, book: Book) -> Iterator[Problem]:
    """The page and the alert must agree how bad it is: the worst of a runbook's rules counts."""
    ranked: list[tuple[tuple[str, ...], AlertRule, str]] = []
    for rule in _every(runbook, book):
        word = rule.labels.get("severity", "{{")
        if means := (word,) if word in _LEVELS else tuple(sorted(book.severities.get(word, ()))):
            ranked.append((means, rule, word))
        elif "{{" not in word:
            what = f"nothing says how bad the severity {word!r} of the alert {rule.name} is."
            fix = f'Write `{word} = ["P2"]`, with its levels, under [severities] in drillbook.toml.'
            yield _at(rule, "severity", what, fix)
    wanted = runbook.tag("severity")
    for means, rule, word in sorted(ranked, key=lambda one: one[0][0])[:1]:
        if wanted not in _LEVELS or wanted in means:
            continue
        what = (
            f"the alert {rule.name} is of severity {word!r}, its runbook {runbook.path} of "
            f"@severity:{wanted}."
        )
        fix = f"Make them agree: {' or '.join(means)} in the runbook, or another word in the rule."
        yield _at(rule, "severity", what, fix)


def pages_of_rules(book: Book) -> Iterator[Problem]:
    """Every alert has a page. Looks at the whole book, not at one runbook."""
    for rule in (one for first in book.alerts.values() for one in first.every):
        page = _page(rule, book)
        about = book.alerts_of.get(page)
        if about is not None and rule.name not in about:
            what = f"the alert {rule.name} leads to {page}, whose runbook does not name it."
            fix = f"Write `@alert:{rule.name}` above its Feature, or lead the alert elsewhere."
            yield _at(rule, "runbook-url", what, fix)
        if page in book.pages:
            continue
        what = f"the alert {rule.name} leads to {rule.runbook_url!r}, which is no runbook's page."
        fix = did_you_mean(page, book.pages, "Write its runbook under features/.")
        base = next((page.removesuffix(p) for p in book.pages if page.endswith(f"/{p}")), "")
        if base:
            fix = f'Write `pages_url = "{base.rstrip("/")}"` in drillbook.toml, or the path alone.'
        yield _at(rule, "runbook-url", what, fix)


def blind_starts(runbook: Runbook, book: Book) -> Iterator[str]:
    """A note for each alert that looks back at what no steady state has read: a fault that comes
    before Prometheus has seen the healthy system may never make it fire."""
    ready = [p for c in book.causes(runbook)[:1] for p in c.workload.ready]
    series = [s for p in ready for s in (p.source, *getattr(p.source, "reads", ()))]
    seen = {getattr(one, "metric", "") for one in series}
    for rule in _every(runbook, book):
        texts = (rule.expr, *(one.expr for one in rule.records))
        recorded = {one.name for one in rule.records}
        needed = sorted({m for text in texts for m in promql.past(promql.parsed(text))} - recorded)
        if needed and not seen.intersection(needed):
            yield (
                f"note: {rule.file}:{rule.line}: the alert {rule.name} looks back at "
                f"{', '.join(needed)}, which no steady state of {runbook.path} reads: the fault "
                "may come before Prometheus has seen it healthy. Let a component's `ready` hold a "
                "Series of it."
            )


_LEVELS = ("P0", "P1", "P2", "P3", "P4")


def _page(rule: AlertRule, book: Book) -> str:
    """Where an alert leads, relative to the checkout where that is known."""
    url = rule.runbook_url
    return url.removeprefix(absolute("", book.pages_url)) if book.pages_url else url


def _rules(runbook: Runbook, book: Book) -> Iterator[AlertRule]:
    return (book.alerts[name] for name in runbook.alerts if name in book.alerts)


def _every(runbook: Runbook, book: Book) -> Iterator[AlertRule]:
    return (one for rule in _rules(runbook, book) for one in rule.every)


def _at(rule: AlertRule, rule_id: str, what: str, fix: str) -> Problem:
    return Problem(path=rule.file, line=rule.line, rule=rule_id, what=what, fix=fix)


RULES = (known_alerts, own_page, own_labels, waited_for, severities)
