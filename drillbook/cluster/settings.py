"""Settings: read once, typed. Precedence: option, environment, file, the embedded cluster's own.
The file is `drillbook.toml` beside the runbooks; a variable is the field's name behind
`DRILLBOOK_`. The embedded cluster fills what nobody set."""

import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from drillbook.model import Duration
from drillbook.model.errors import UsageError

FILE = "drillbook.toml"
DEFAULT_STATE = Path("/var/lib/drillbook/staging")
SHIPPED: Final = Path(__file__).parents[1] / "_book"
"""The book inside of a wheel that `make dist` built; in a checkout there is none."""


def _duration(text: str) -> str:
    Duration(text)
    return text


LONGEST_KEPT = Duration("2h")
"""The admission policy lets no lease last longer."""


LONGEST_DRILL = Duration("1h")
"""A token lasts for twice the drill and its undo, and for three hours at most."""


def _kept(text: str) -> str:
    if Duration(text) > LONGEST_KEPT:
        raise ValueError(f"an incident is kept for at most {LONGEST_KEPT}, not {text}")
    return text


SEVERITIES: Final = {
    "critical": ("P0", "P1", "P2"),
    "warning": ("P1", "P2", "P3"),
    "info": ("P2", "P3", "P4"),
}
"""What the usual words of alert rules mean, as levels of a runbook's @severity. Teams differ, so
each word leaves room; a settings file that says it narrower is held to that."""

Length = Annotated[str, AfterValidator(_duration)]
"""A duration as people write it, such as `90s`."""


class Settings(BaseSettings):
    """Every setting, with its unit and default."""

    model_config = SettingsConfigDict(env_prefix="DRILLBOOK_", frozen=True, extra="forbid")

    root: Path = Field(default_factory=Path.cwd, description="the checkout")
    environment: str = Field("staging", description="which of monitoring/values/*.yaml applies")
    kubeconfig: Path | None = Field(None, description="the cluster to drill on")
    context: str | None = Field(None, description="the kubeconfig's context; None: its current one")
    allowed_clusters: tuple[str, ...] = Field(
        (), description="UIDs of the kube-system namespaces of clusters that may be drilled"
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="API servers that may be drilled, as `host:port` (443 when none is given)"
    )
    allow_cluster_admin: bool = Field(
        False, description="drill with credentials that may do everything; the record says so"
    )
    agent_socket: Path | None = Field(
        None, description="the host agent's socket, for faults on the embedded cluster's nodes"
    )
    prometheus_url: str | None = Field(None, description="Prometheus, without a trailing slash")
    alertmanager_url: str | None = Field(None, description="Alertmanager, likewise")
    tool_path: str = Field("", description="folders put before PATH for kubectl and tools")
    pages_url: str = Field(
        "", description="what stands before runbooks/... where alerts lead to an address"
    )
    severities: dict[str, tuple[str, ...]] = Field(
        dict(SEVERITIES), description="levels of @severity that an alert's severity stands for"
    )
    probe_within: Length = Field("30s", description="the budget of a sentence without `within`")
    action_within: Length = Field("2m", description="how long one command line may take")
    steady_within: Length = Field("3m", description="how long a workload may take to be steady")
    effect_within: Length = Field("3m", description="how long a fault may take to show its effect")
    undo_within: Length = Field("2m", description="how long the undo may take")
    poll_s: float = Field(1.0, gt=0, description="seconds between two reads of one fact")
    request_timeout_s: float = Field(5.0, gt=0, description="deadline of one request")
    scrape_s: float = Field(5.0, gt=0, description="Prometheus' scrape interval")
    evaluation_s: float = Field(5.0, gt=0, description="Prometheus' rule evaluation interval")
    lease_s: float = Field(30.0, gt=0, description="seconds until a drill's silent lease expires")
    renew_s: float = Field(10.0, gt=0, description="seconds between two renewals of the lease")
    acknowledged_within: Length = Field(
        "15s", description="how long the reaper may take to acknowledge a drill"
    )
    max_pods: int = Field(20, gt=0, description="pods that one drill may touch at most")
    max_nodes: int = Field(1, ge=0, description="nodes that one drill may touch at most")
    max_drill: Length = Field("45m", description="how long one drill may take at most")
    leave_standing: Annotated[Length, AfterValidator(_kept)] = Field(
        "30m", description="how long --leave-standing leaves an incident standing"
    )
    proof_days: int = Field(31, gt=0, description="days that an accepted drill stays valid")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before arguments: `load` passes the file's fields as arguments."""
        return (env_settings, init_settings)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Raises ValueError for settings that cannot hold together."""
        if self.renew_s * 2 > self.lease_s:
            raise ValueError(
                f"renew_s is {self.renew_s:g} and lease_s {self.lease_s:g}: a lease must be "
                "renewed at least twice in its time"
            )
        # Nothing is begun so long before a lease's end, or before that of the drill.
        margin_s = self.request_timeout_s
        if margin_s >= self.lease_s - self.renew_s:
            raise ValueError(
                f"request_timeout_s is {margin_s:g}: it must be below lease_s ({self.lease_s:g}) "
                f"less renew_s ({self.renew_s:g}), or every lease is lost before it is renewed"
            )
        if margin_s >= self.duration("max_drill").seconds:
            raise ValueError(
                f"max_drill is {self.max_drill}: it must be more than request_timeout_s "
                f"({margin_s:g} s), or every drill ends before its first change"
            )
        if self.duration("max_drill") > LONGEST_DRILL:
            raise ValueError(f"max_drill may be {LONGEST_DRILL} at most: no token lasts longer")
        return self

    def duration(self, field: str) -> Duration:
        """A setting of time."""
        return Duration(getattr(self, field))

    @property
    def runs(self) -> Path:
        return self.root / "reports" / "runs"

    @property
    def proof(self) -> Path:
        return self.root / "reports" / "proof"


def embedded_cluster() -> dict[str, Any]:
    """What `drillbook staging up` wrote of the cluster it made; empty when there is none."""
    path = Path(os.environ.get("DRILLBOOK_STATE", str(DEFAULT_STATE))) / "cluster.json"
    if not path.exists():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return {
            # Not the administrator's: a drill works with the identities that this one may become.
            "kubeconfig": _said(known, "runner_kubeconfig"),
            "context": known["context"],
            "allowed_clusters": [known["cluster_uid"]],
            "allowed_hosts": _said(known, "api_hosts"),
            "agent_socket": _said(known, "agent_socket"),
            "prometheus_url": known["prometheus_url"],
            "alertmanager_url": known["alertmanager_url"],
            "tool_path": known["bin"],
        }
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise UsageError(
            f"{path}: not what `drillbook staging up` writes ({type(error).__name__}: {error}). "
            "Run `drillbook staging up` again, or set `kubeconfig` in drillbook.toml."
        ) from error


def _said(known: dict[str, Any], field: str) -> Any:
    """Raises LookupError for what an `up` of an older version did not know yet."""
    if not known[field]:
        raise LookupError(f"no {field}")
    return known[field]


def find_root(start: Path, shipped: bool = False) -> Path:
    """The nearest folder upwards that holds `features/` and `pyproject.toml`; where there is none
    and `shipped` will do, the book that came with this program's wheel."""
    for folder in (start, *start.parents):
        if (folder / "features").is_dir() and (folder / "pyproject.toml").is_file():
            return folder
    if shipped and (SHIPPED / "features").is_dir():
        return SHIPPED
    raise UsageError(
        f"{start}: no runbooks here: neither this folder nor one above it holds features/ and "
        "pyproject.toml. Change into the checkout."
    )


def read_file(path: Path) -> dict[str, Any]:
    """The settings file's fields; empty when there is no file."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not valid TOML: {error}") from error


def load(root: Path | None = None, shipped: bool = False, **options: Any) -> Settings:
    """The settings of this run. `shipped`: the wheel's own book will do; `options`: None is not
    given. The embedded cluster's own facts apply only where no kubeconfig is set."""
    home = root or find_root(Path.cwd(), shipped)
    fields = {"root": home, **read_file(home / FILE)}
    for name in ("kubeconfig", "agent_socket"):
        if isinstance(fields.get(name), str):  # wherever one stands, a file's path is the file's
            fields[name] = home / fields[name]
    given = {name: value for name, value in options.items() if value is not None}
    chosen = {**fields, **given}
    if not (chosen.get("kubeconfig") or os.environ.get("DRILLBOOK_KUBECONFIG")):
        chosen = {**embedded_cluster(), **chosen}
    try:
        settings = Settings(**chosen)
        return settings.model_copy(update=given)
    except ValidationError as error:
        raise UsageError(f"{home / FILE} or the environment: {_complaints(error)}.") from error
    except SettingsError as error:
        raise UsageError(
            f"the environment: {error}. A list is written as JSON: "
            """DRILLBOOK_ALLOWED_CLUSTERS='["the UID"]'."""
        ) from error


def _complaints(error: ValidationError) -> str:
    """Every complaint in one line, with its field."""
    return "; ".join(
        f"{_place(one['loc'])}{one['msg'].removeprefix('Value error, ')}" for one in error.errors()
    )


def _place(loc: tuple[int | str, ...]) -> str:
    """The setting that is meant; empty where several are, which the words name."""
    return f"setting {'.'.join(map(str, loc))}: " if loc else ""
