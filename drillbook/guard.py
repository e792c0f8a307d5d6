"""May this cluster be drilled, and is its monitoring the one that the checkout describes?

Asked before anything is touched. A context's name is no evidence: the UID of `kube-system` is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from drillbook.errors import CouldNotTell, Refused
from drillbook.monitoring import AlertRule
from drillbook.records import Cluster
from drillbook.settings import Settings
from drillbook.sources import cluster
from drillbook.sources.clients import Connections, context_name


def admitted(settings: Settings, clients: Connections) -> Cluster:
    """The cluster, when its UID is on the allow-list. Raises Refused otherwise."""
    found = cluster.identity(clients)
    if found.uid not in settings.allowed_clusters:
        raise Refused(
            f"refused: the cluster behind {settings.kubeconfig} (kube-system UID {found.uid}) is "
            "not on the list of clusters that may be drilled. If it is a staging cluster, add the "
            "UID to `allowed_clusters` in drillbook.toml. Nothing was changed."
        )
    return Cluster(
        uid=found.uid,
        name=context_name(settings),
        version=found.version,
        environment=settings.environment,
    )


def check_monitoring(
    settings: Settings, clients: Connections, rules: Mapping[str, AlertRule], names: Iterable[str]
) -> None:
    """Raises CouldNotTell with every difference between `monitoring/` and the running servers."""
    cluster.alertmanager_ready(clients)
    loaded = cluster.loaded_rules(clients)
    differences = [
        d for name in names for d in _differences(settings, clients, rules[name], loaded)
    ]
    scrape_s = cluster.scrape_interval_s(clients)
    if scrape_s != settings.scrape_s:
        differences.append(f"scrape interval {scrape_s:g} s, settings say {settings.scrape_s:g} s")
    if differences:
        raise CouldNotTell(
            f"{settings.prometheus_url} does not run what monitoring/ describes: "
            f"{'; '.join(differences)}. A drill would prove another alert than the page shows. "
            "Load the rules (embedded cluster: `drillbook staging up`), or correct the settings."
        )


def _differences(
    settings: Settings,
    clients: Connections,
    rule: AlertRule,
    loaded: Mapping[str, tuple[cluster.LoadedRule, ...]],
) -> list[str]:
    ones = loaded.get(rule.name, ())
    if not ones:
        return [f"{rule.name} is not loaded"]
    if len(ones) > 1:
        return [f"{len(ones)} rules are named {rule.name}"]
    running, found = ones[0], []
    if running.for_s != rule.for_s:
        found.append(f"{rule.name} has for {running.for_s:g} s, not {rule.for_s:g} s")
    if running.evaluation_s != settings.evaluation_s:
        found.append(f"{rule.name} is evaluated every {running.evaluation_s:g} s")
    want, have = (cluster.normal_form(clients, q) for q in (rule.expr, running.expr))
    if want != have:
        found.append(f"{rule.name} has another expression: {' '.join(have.split())}")
    return found
