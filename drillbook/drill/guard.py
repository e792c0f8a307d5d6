"""May this cluster be drilled, and is its monitoring the one that the checkout describes? What is
missing means production: the API server and the UID of `kube-system` are on allow-lists, the system
namespace names its environment, the credentials are not the administrator's."""

from collections.abc import Iterable, Mapping

from drillbook.book.alert_rules import AlertRule, RecordingRule, never_seen
from drillbook.cluster import which
from drillbook.cluster.clients import Connections, context_name
from drillbook.cluster.identities import INSTALL, SYSTEM_NAMESPACE
from drillbook.cluster.kubeconfig import host_of, server_of
from drillbook.cluster.settings import Settings
from drillbook.drill import environment as cluster
from drillbook.evidence.records import Cluster
from drillbook.model import BoundRunbook
from drillbook.model.errors import CouldNotTell, Refused, RunbookProblem, UsageError

PRODUCTION = "production"
ENVIRONMENT_LABEL = "environment"
UNCHANGED = "Nothing was changed."


def admitted(settings: Settings, clients: Connections) -> Cluster:
    """The cluster, when it may be drilled. Raises Refused with every reason, CouldNotTell."""
    # Before the first request: one to the wrong server would hand it the credentials.
    _refuse(_host(settings), _production(settings))
    try:
        found = which.identity(clients)
        is_admin = which.is_admin(clients)
        label = which.namespace_label(clients, SYSTEM_NAMESPACE, ENVIRONMENT_LABEL)
    except CouldNotTell as error:
        if which.status_of(error) in (401, 403):
            raise Refused(_no_credentials(settings, error)) from error
        raise
    _refuse(_uid(settings, found.uid), _environment(settings, label), _admin(settings, is_admin))
    return Cluster(
        uid=found.uid,
        name=context_name(settings),
        version=found.version,
        environment=settings.environment,
        cluster_admin=is_admin,
    )


def _refuse(*said: str) -> None:
    reasons = [reason for reason in said if reason]
    if reasons:
        raise Refused(f"refused: {' Also: '.join(reasons)} {UNCHANGED}")


def _host(settings: Settings) -> str:
    server = server_of(settings)
    try:
        host = host_of(server)
        allowed = {host_of(one) for one in settings.allowed_hosts}
    except ValueError as error:
        raise UsageError(
            f"not an address: {error}. Correct the `server` in {settings.kubeconfig}, or "
            "`allowed_hosts` in drillbook.toml."
        ) from error
    if host in allowed:
        return ""
    return (
        f"the API server of {settings.kubeconfig} is {host}, which is not on the list of API "
        f"servers that may be drilled ({', '.join(sorted(allowed)) or 'it is empty'}). If it is a "
        f'staging cluster\'s, add "{host}" to `allowed_hosts` in drillbook.toml.'
    )


def _production(settings: Settings) -> str:
    if settings.environment != PRODUCTION:
        return ""
    return (
        f"the setting `environment` is {PRODUCTION!r}, and production is never drilled. Set it to "
        "the environment of a staging cluster."
    )


def _uid(settings: Settings, uid: str) -> str:
    if uid in settings.allowed_clusters:
        return ""
    return (
        f"the cluster behind {settings.kubeconfig} (kube-system UID {uid}) is not on the list of "
        f'clusters that may be drilled. If it is a staging cluster, add "{uid}" to '
        "`allowed_clusters` in drillbook.toml."
    )


def _environment(settings: Settings, label: str | None) -> str:
    if label and label == settings.environment:
        return ""
    if label:
        return (
            f"the setting `environment` is {settings.environment!r}, and the namespace "
            f"{SYSTEM_NAMESPACE} says {label!r}. Correct `environment` in drillbook.toml, or use "
            "the right cluster."
        )
    return (
        f"the setting `environment` is {settings.environment!r}, and the namespace "
        f"{SYSTEM_NAMESPACE} is not there or does not say so; a cluster that does not say what it "
        f"is counts as {PRODUCTION}. If it is that one, install the overlay of "
        f"docs/own-cluster.md, or `kubectl label namespace {SYSTEM_NAMESPACE} "
        f"{ENVIRONMENT_LABEL}={settings.environment}`."
    )


def _admin(settings: Settings, is_admin: bool) -> str:
    if not is_admin or settings.allow_cluster_admin:
        return ""
    return (
        f"the credentials in {settings.kubeconfig} may do everything (cluster-admin), and a drill "
        f"needs little. {INSTALL} Or set `allow_cluster_admin = true` in drillbook.toml: every "
        "record will say so."
    )


def _no_credentials(settings: Settings, error: CouldNotTell) -> str:
    return (
        f"refused: the credentials in {settings.kubeconfig} are not accepted, or may not read "
        f"which cluster this is ({error}). They may have expired. {INSTALL} {UNCHANGED}"
    )


def check_monitoring(
    settings: Settings, clients: Connections, rules: Mapping[str, AlertRule], names: Iterable[str]
) -> None:
    """Raises CouldNotTell with every difference between `monitoring/` and the running servers: in
    these alerts, in the recording rules that they read, in the scrape interval. Raises UsageError
    for a rule that cannot be read."""
    cluster.alertmanager_ready(clients)
    loaded = cluster.loaded_rules(clients)
    wanted = [one for name in names for one in rules[name].every]
    every: list[AlertRule | RecordingRule] = [*wanted]
    every += [record for rule in wanted for record in rule.records if record not in every]
    compared = (_differences(settings, clients, r, loaded.get(r.name, ())) for r in every)
    differences = [difference for found in compared for difference in found]
    scrape_s = cluster.scrape_interval_s(clients)
    if scrape_s != settings.scrape_s:
        differences.append(f"scrape interval {scrape_s:g} s, settings say {settings.scrape_s:g} s")
    if differences:
        raise CouldNotTell(
            f"{settings.prometheus_url} does not run what monitoring/ describes: "
            f"{'; '.join(dict.fromkeys(differences))}. A drill would prove another alert than the "
            "page shows. Load the rules (embedded cluster: `drillbook staging up`), or correct the "
            "settings."
        )


def refuse_unseen(bound: BoundRunbook, rules: Mapping[str, AlertRule]) -> None:
    """Raises RunbookProblem for a step that waits for a label which the alert loses."""
    found = [
        f"{bound.runbook.path}:{step.step.line}: {step.step.text!r} tells the alert by its label "
        f"{label!r}, which the expression of {rule.name} ({rule.file}:{rule.line}) cannot carry."
        for step, rule, label in never_seen(bound, rules)
    ]
    if found:
        found.append(f"Keep the label in the expression, or tell the alert by another. {UNCHANGED}")
        raise RunbookProblem("\n".join(dict.fromkeys(found)))


def _differences(
    settings: Settings,
    clients: Connections,
    rule: AlertRule | RecordingRule,
    loaded: tuple[cluster.LoadedRule, ...],
) -> list[str]:
    ones = [one for one in loaded if dict(one.labels) == dict(rule.labels)]
    if not ones and loaded:
        has = " and ".join(str(dict(one.labels)) for one in loaded)
        return [f"{rule.name} is loaded with the labels {has}, not {dict(rule.labels)}"]
    if not ones:
        return [f"{rule.name} is not loaded"]
    if len(ones) > 1:
        return [f"{len(ones)} rules of the same labels are named {rule.name}"]
    running, found = ones[0], []
    every_s = rule.cadence.interval_s or settings.evaluation_s
    times = [("is evaluated every", running.evaluation_s, every_s)]
    if isinstance(rule, AlertRule):
        times.append(("has for", running.for_s, rule.for_s))
        times.append(("has keep_firing_for", running.keep_s, rule.keep_s))
    found += [f"{rule.name} {what} {has:g} s, not {s:g} s" for what, has, s in times if has != s]
    want, have = (cluster.normal_form(clients, q) for q in (rule.expr, running.expr))
    if want != have:
        ran, asked = (" ".join(text.split()) for text in (have, want))
        found.append(f"{rule.name} has another expression: loaded `{ran}`, wanted `{asked}`")
    return found
