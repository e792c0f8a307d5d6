"""The Permissions table: what each identity may and may not do on the cluster, row by row."""

from drillbook.cluster.identities import SYSTEM_NAMESPACE, Identity

DRILL = "the drill's namespace"
"""Stands for its name, which is another one each time."""
CLUSTER = ""
"""In no namespace, or in all."""
ALL = "get list watch create update patch delete deletecollection"
READ = "get list watch"
WRITE = "create update patch delete deletecollection"
RBAC = "rbac.authorization.k8s.io"
LEASES = "coordination.k8s.io/leases"
NODE_LEASES = "kube-node-lease"
WORKLOADS = (
    *("apps/deployments", "apps/statefulsets", "apps/daemonsets"),
    *("batch/jobs", "batch/cronjobs"),
)

Row = tuple[str, str, str, str]
"""Whose, verbs, `group/resource/subresource:name` (no group: the core's), namespace."""

MADE = "get list create patch delete"
CHANGED = "create update patch delete"
ALLOWED: tuple[Row, ...] = (
    *(
        ("runner", "create", f"/serviceaccounts/token:{identity}", SYSTEM_NAMESPACE)
        for identity in Identity
    ),
    ("runner", "get", "/namespaces:kube-system", CLUSTER),
    ("runner", "get", "/namespaces:drillbook-system", CLUSTER),
    # ------------------------------------------------------------------ provisioner
    ("provisioner", "get list create delete", "/namespaces", CLUSTER),
    ("provisioner", "get list create delete", "drillbook.dev/drills", CLUSTER),
    ("provisioner", "get list", "/nodes", CLUSTER),
    ("provisioner", "list", "/persistentvolumes", CLUSTER),
    # When a namespace is going its bindings go first; which pods may be ended the policy says.
    ("provisioner", "list delete", "/pods", CLUSTER),
    ("provisioner", "create", f"{RBAC}/rolebindings", CLUSTER),
    *(
        ("provisioner", "get bind", f"{RBAC}/clusterroles:drillbook-{role}", CLUSTER)
        for role in (
            *("provisioner-in-drill", "observer-in-drill", "responder"),
            *("injector-exec", "inspector"),
        )
    ),
    ("provisioner", "get list create update delete", LEASES, SYSTEM_NAMESPACE),
    ("provisioner", "get list create patch", "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    ("provisioner", "create", "/configmaps", SYSTEM_NAMESPACE),
    ("provisioner", "get patch delete", "/configmaps:halt", SYSTEM_NAMESPACE),
    ("provisioner", "get patch delete", "/configmaps:quarantine", SYSTEM_NAMESPACE),
    ("provisioner", "get", LEASES, NODE_LEASES),
    *(
        ("provisioner", ALL, resource, DRILL)
        for resource in ("/pods", "/configmaps", "/services", "/persistentvolumeclaims")
    ),
    *(
        ("provisioner", MADE, resource, DRILL)
        for resource in (
            *("/secrets", "/serviceaccounts", "/resourcequotas", "/limitranges"),
            *("/replicationcontrollers", *WORKLOADS, "apps/replicasets"),
            *("networking.k8s.io/networkpolicies", "autoscaling/horizontalpodautoscalers"),
            *("policy/poddisruptionbudgets", f"{RBAC}/roles", f"{RBAC}/rolebindings"),
        )
    ),
    # ------------------------------------------------------------------ observer
    *(
        ("observer", "get list", resource, CLUSTER)
        for resource in (
            *("/pods", "/events", "/nodes", "/namespaces", *WORKLOADS, "apps/replicasets"),
            "events.k8s.io/events",
        )
    ),
    ("observer", "get", "/pods/log", CLUSTER),
    *(
        ("observer", "get list", resource, DRILL)
        for resource in (
            *("/configmaps", "/services", "/persistentvolumeclaims", "/replicationcontrollers"),
            *("/resourcequotas", "/limitranges", "autoscaling/horizontalpodautoscalers"),
            *("policy/poddisruptionbudgets", "networking.k8s.io/networkpolicies"),
        )
    ),
    # ------------------------------------------------------------------ injectors
    ("injector", "get patch", "/configmaps:orders-conf", DRILL),
    ("injector", "get list", "/pods", DRILL),
    ("injector", "get create", "/pods/exec", DRILL),
    ("node-injector", "get patch", "/nodes", CLUSTER),
    # ------------------------------------------------------------------ inspector
    ("inspector", "get list", "/pods", DRILL),
    ("inspector", "get", "/services", DRILL),
    # What `kubectl exec deployment/...` asks first.
    ("inspector", "get", "apps/deployments", DRILL),
    ("inspector", "get", "apps/statefulsets", DRILL),
    ("inspector", "get", "apps/daemonsets", DRILL),
    ("inspector", "get", "apps/replicasets", DRILL),
    ("inspector", "get create", "/pods/exec", DRILL),
    ("inspector", "get create", "/pods/portforward", DRILL),
    ("inspector", "get", "/secrets:orders-reader", DRILL),
    # ------------------------------------------------------------------ responder
    *(
        ("responder", READ, resource, DRILL)
        for resource in (
            *("/pods", "/pods/log", "/events", "/configmaps", "/services", *WORKLOADS),
            *("/persistentvolumeclaims", "/replicationcontrollers", "/resourcequotas"),
            *("apps/replicasets", "autoscaling/horizontalpodautoscalers", "events.k8s.io/events"),
            *("policy/poddisruptionbudgets", "networking.k8s.io/networkpolicies"),
        )
    ),
    *(
        ("responder", CHANGED, resource, DRILL)
        for resource in ("/configmaps", "/services", *WORKLOADS)
    ),
    ("responder", "get update patch", "apps/deployments/scale", DRILL),
    ("responder", "get update patch", "apps/statefulsets/scale", DRILL),
    ("responder", "update patch", "autoscaling/horizontalpodautoscalers", DRILL),
    ("responder", "delete", "/pods", DRILL),
    ("responder", "get create", "/pods/exec", DRILL),
    ("responder", "get", "/pods/proxy", DRILL),
    ("responder", "get patch", "/nodes", CLUSTER),
    # Where traffic goes: looked at, and never written.
    *(
        (who, "get list", resource, DRILL)
        for who in ("provisioner", "observer", "responder")
        for resource in (
            *("/endpoints", "discovery.k8s.io/endpointslices", "networking.k8s.io/ingresses"),
        )
    ),
    # ------------------------------------------------------------------ reaper
    ("reaper", "get list delete", "/namespaces", CLUSTER),
    ("reaper", "get list delete", "drillbook.dev/drills", CLUSTER),
    ("reaper", "list delete", "/pods", CLUSTER),
    ("reaper", "get list patch", "/nodes", CLUSTER),
    ("reaper", "list", "/persistentvolumes", CLUSTER),
    ("reaper", "get list watch create update patch delete", LEASES, SYSTEM_NAMESPACE),
    ("reaper", "get list patch", "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    ("reaper", "create", "/configmaps", SYSTEM_NAMESPACE),
    ("reaper", "get patch delete", "/configmaps:quarantine", SYSTEM_NAMESPACE),
    ("reaper", "get", "/configmaps:halt", SYSTEM_NAMESPACE),
    ("reaper", "get", LEASES, NODE_LEASES),
)

EVERYBODY = ("runner", *map(str, Identity), "reaper")
NEVER: tuple[tuple[str, str], ...] = (
    # Verbs and kinds that no row gives to anybody, wherever.
    ("*", "*/*"),
    ("impersonate", "/users"),
    ("impersonate", "/groups"),
    ("impersonate", "/serviceaccounts"),
    *(
        (WRITE, f"admissionregistration.k8s.io/{kind}")
        for kind in (
            *("validatingwebhookconfigurations", "mutatingwebhookconfigurations"),
            *("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
        )
    ),
    (WRITE, "apiextensions.k8s.io/customresourcedefinitions"),
    ("create", "certificates.k8s.io/certificatesigningrequests"),
    (f"{WRITE} bind escalate", f"{RBAC}/clusterroles"),
    (WRITE, f"{RBAC}/clusterrolebindings"),
    ("bind escalate", f"{RBAC}/roles"),
    ("create update delete deletecollection", "/nodes"),
    (ALL, "/nodes/proxy"),
    (WRITE, "/nodes/status"),
    ("update patch deletecollection", "/namespaces"),
    ("update", "/namespaces/finalize"),
    (WRITE, "/persistentvolumes"),
    # Whoever writes them sends traffic wherever he likes.
    (WRITE, "/endpoints"),
    (WRITE, "discovery.k8s.io/endpointslices"),
    (WRITE, "networking.k8s.io/ingresses"),
    # At least none of the records can be made to vanish.
    ("delete deletecollection", "drillbook.dev/undorecords"),
)
