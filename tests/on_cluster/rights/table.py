"""The Permissions table: what each identity may and may not do on the cluster, row by row."""

from __future__ import annotations

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
    ("injector", "list", "/pods", DRILL),
    ("injector", "get create", "/pods/exec", DRILL),
    ("node-injector", "get patch", "/nodes", CLUSTER),
    # ------------------------------------------------------------------ inspector
    ("inspector", "get list", "/pods", DRILL),
    ("inspector", "get", "/services", DRILL),
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
    ("reaper", "get list watch create update patch delete", LEASES, SYSTEM_NAMESPACE),
    ("reaper", "get list patch", "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    ("reaper", "create", "/configmaps", SYSTEM_NAMESPACE),
    ("reaper", "get patch delete", "/configmaps:quarantine", SYSTEM_NAMESPACE),
    ("reaper", "get", "/configmaps:halt", SYSTEM_NAMESPACE),
    ("reaper", "get", LEASES, NODE_LEASES),
)

EVERYBODY = ("runner", *map(str, Identity), "reaper")
DENIED: tuple[Row, ...] = (
    # What none of them may, anywhere.
    *(
        row
        for who in EVERYBODY
        for row in (
            (who, "*", "*/*", CLUSTER),
            (who, "impersonate", "/users", CLUSTER),
            (who, "impersonate", "/groups", CLUSTER),
            (who, "impersonate", "/serviceaccounts", SYSTEM_NAMESPACE),
            (who, WRITE, "admissionregistration.k8s.io/validatingwebhookconfigurations", CLUSTER),
            (who, WRITE, "admissionregistration.k8s.io/mutatingwebhookconfigurations", CLUSTER),
            (who, WRITE, "admissionregistration.k8s.io/validatingadmissionpolicies", CLUSTER),
            (who, WRITE, "admissionregistration.k8s.io/validatingadmissionpolicybindings", CLUSTER),
            (who, WRITE, "apiextensions.k8s.io/customresourcedefinitions", CLUSTER),
            (who, "create update patch delete bind escalate", f"{RBAC}/clusterroles", CLUSTER),
            (who, "create update patch delete", f"{RBAC}/clusterrolebindings", CLUSTER),
            (who, "create", "certificates.k8s.io/certificatesigningrequests", CLUSTER),
            (who, READ, "/secrets", CLUSTER),
            (who, READ, "/secrets", "kube-system"),
            (who, READ, "/secrets", SYSTEM_NAMESPACE),
            (who, "get create", "/pods/exec", "kube-system"),
            (who, "get create", "/pods/exec", SYSTEM_NAMESPACE),
            (who, "create", "/pods", "kube-system"),
            (who, "create", "/pods", SYSTEM_NAMESPACE),
            (who, "patch", "apps/deployments:reaper", SYSTEM_NAMESPACE),
            (who, "create", "/serviceaccounts/token:reaper", SYSTEM_NAMESPACE),
            (who, "create", "/serviceaccounts/token:default", "kube-system"),
            (who, "create update delete", "/nodes", CLUSTER),
            (who, "get create", "/nodes/proxy", CLUSTER),
            (who, "update patch", "/nodes/status", CLUSTER),
            (who, "update", "/namespaces/finalize", CLUSTER),
            (who, WRITE, "/persistentvolumes", CLUSTER),
        )
    ),
    # Asking for tokens is the runner's alone, and the runner can do nothing else.
    *(
        (who, "create", f"/serviceaccounts/token:{whose}", SYSTEM_NAMESPACE)
        for who in EVERYBODY
        if who != "runner"
        for whose in ("runner", *Identity)
    ),
    ("runner", "create", "/serviceaccounts/token:runner", SYSTEM_NAMESPACE),
    ("runner", "list watch create patch delete", "/namespaces", CLUSTER),
    ("runner", "get", "/namespaces:default", CLUSTER),
    ("runner", "get list create", LEASES, SYSTEM_NAMESPACE),
    ("runner", ALL, "/pods", DRILL),
    ("runner", ALL, "/configmaps", DRILL),
    # Outside of drill namespaces the provisioner only makes namespaces and bindings.
    *(
        ("provisioner", "get create patch delete", resource, "default")
        for resource in ("/secrets", "/configmaps", "/services", *WORKLOADS)
    ),
    ("provisioner", "get create update patch deletecollection", "/pods", "default"),
    ("provisioner", "watch update patch", "/namespaces", CLUSTER),
    # The records of all drills are written by one identity: at least none can be made to vanish.
    ("provisioner", "delete deletecollection", "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    # Whoever writes them sends traffic wherever he likes.
    *(
        (who, WRITE, resource, DRILL)
        for who in EVERYBODY
        for resource in (
            *("/endpoints", "discovery.k8s.io/endpointslices", "networking.k8s.io/ingresses"),
        )
    ),
    ("provisioner", "update patch delete", f"{RBAC}/rolebindings", "default"),
    ("provisioner", "create", f"{RBAC}/roles", "default"),
    ("provisioner", "bind", f"{RBAC}/clusterroles:cluster-admin", CLUSTER),
    ("provisioner", "bind escalate", f"{RBAC}/roles", DRILL),
    ("provisioner", "update delete", "/configmaps:kube-root-ca.crt", SYSTEM_NAMESPACE),
    ("provisioner", "patch", "/nodes", CLUSTER),
    ("provisioner", "get create", "/pods/exec", DRILL),
    # The observer changes nothing, and reads no secret.
    *(
        ("observer", WRITE, resource, namespace)
        for resource in ("/pods", "/configmaps", "/services", "/events", *WORKLOADS, LEASES)
        for namespace in (DRILL, "default", SYSTEM_NAMESPACE)
    ),
    ("observer", READ, "/secrets", DRILL),
    # A configuration may hold what is nobody's business but its application's.
    *(
        ("observer", READ, resource, "default")
        for resource in ("/configmaps", "/services", "networking.k8s.io/ingresses")
    ),
    ("observer", READ, LEASES, SYSTEM_NAMESPACE),
    ("observer", "get create", "/pods/exec", DRILL),
    ("observer", "get", "/pods/proxy", DRILL),
    ("observer", WRITE, "/namespaces", CLUSTER),
    ("observer", "patch", "/nodes", CLUSTER),
    # The injector has what its fault declares, by name, and nothing beside it.
    ("injector", "create update delete list", "/configmaps", DRILL),
    ("injector", "get patch", "/configmaps:another", DRILL),
    ("injector", "get patch", "/configmaps:orders-conf", "default"),
    ("injector", ALL, "/pods", DRILL),
    ("injector", ALL, "/secrets", DRILL),
    ("injector", ALL, "apps/deployments", DRILL),
    ("injector", "get list patch", "/nodes", CLUSTER),
    ("injector", ALL, "/namespaces", CLUSTER),
    ("node-injector", ALL, "/pods", DRILL),
    ("node-injector", ALL, "/configmaps", CLUSTER),
    ("node-injector", ALL, "/namespaces", CLUSTER),
    # The responder is one in the drill's namespace only.
    ("responder", ALL, "/secrets", DRILL),
    ("responder", ALL, f"{RBAC}/roles", DRILL),
    ("responder", ALL, f"{RBAC}/rolebindings", DRILL),
    ("responder", ALL, "/serviceaccounts", DRILL),
    ("responder", "create update patch delete", "/resourcequotas", DRILL),
    ("responder", "create update patch", "/pods", DRILL),
    *(
        ("responder", "get list create patch delete", resource, "default")
        for resource in ("/pods", "/configmaps", "/services", *WORKLOADS)
    ),
    ("responder", ALL, LEASES, SYSTEM_NAMESPACE),
    ("responder", ALL, "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    ("responder", "get list delete", "/namespaces", CLUSTER),
    # The reaper plans nothing, starts nothing, looks into nothing.
    ("reaper", "create", "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
    ("reaper", "create", "drillbook.dev/drills", CLUSTER),
    ("reaper", "create update patch", "/namespaces", CLUSTER),
    ("reaper", "create update patch deletecollection", "/pods", CLUSTER),
    ("reaper", "get create", "/pods/exec", DRILL),
    ("reaper", READ, "/secrets", DRILL),
    ("reaper", WRITE, f"{RBAC}/rolebindings", DRILL),
    ("reaper", "update delete", "/configmaps:kube-root-ca.crt", SYSTEM_NAMESPACE),
    ("reaper", "update patch delete", "/configmaps:halt", SYSTEM_NAMESPACE),
    ("reaper", "update delete deletecollection", "drillbook.dev/undorecords", SYSTEM_NAMESPACE),
)
