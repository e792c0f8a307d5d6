"""What comes from Debian: the host's packages, a base root file system, files of packages."""

import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from drillbook_staging.artifacts import Artifact
from drillbook_staging.digest import of_text
from drillbook_staging.errors import StageFailed
from drillbook_staging.inputs import Files, Home, Input, lay_out
from drillbook_staging.shell import SANDBOX, Shell

SUITE = "bookworm"
HOST_PACKAGES = (
    *("ca-certificates", "containerd", "runc", "containernetworking-plugins", "buildah"),
    *("mmdebstrap", "iproute2", "iptables", "nftables", "conntrack", "socat", "util-linux"),
    *("mount", "procps", "kmod"),
    # What printed lines run beside kubectl and curl.
    *("postgresql-client", "redis-tools", "awscli"),
)
POLICY = Path("/usr/sbin/policy-rc.d")
POLICY_TEXT = (
    "#!/bin/sh\n# Written by `drillbook staging up`: a daemon that comes with a package is not\n"
    "# started on the host. Removed as soon as the packages are in.\nexit 101\n"
)


def missing(packages: Iterable[str] = HOST_PACKAGES) -> list[str]:
    """Those that are not installed."""
    return [package for package in packages if not _is_installed(package)]


def _is_installed(package: str) -> bool:
    words = ["dpkg-query", "-W", "-f", "${db:Status-Status}", package]
    asked = subprocess.run(words, capture_output=True, text=True, check=False)
    return asked.stdout == "installed"


def update(shell: Shell) -> None:
    """Refresh the package lists. A third-party source that fails does not matter by itself:
    what is needed is either installable afterwards, and the install says so, or it is not."""
    try:
        shell.run("apt-get", "update")
    except StageFailed as error:
        if not sources():
            raise StageFailed(f"{error}\nAnd no Debian source is left to install from.") from error


def install(shell: Shell, packages: Iterable[str]) -> None:
    """Install without questions and without starting a daemon. Raises StageFailed."""
    quiet = Shell(shell.places, shell.stage, {"DEBIAN_FRONTEND": "noninteractive"})
    with _no_daemons():
        quiet.run("apt-get", "install", "--yes", "--no-install-recommends", *packages)


@contextmanager
def _no_daemons() -> Iterator[None]:
    if POLICY.exists():
        yield
        return
    POLICY.write_text(POLICY_TEXT)
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        remove_policy()


def remove_policy() -> None:
    """Take away a policy that we wrote, also one that a killed `up` left."""
    if POLICY.is_file() and POLICY.read_text() == POLICY_TEXT:
        POLICY.unlink()


@dataclass(frozen=True)
class Source:
    """One place of Debian's own packages, as the host's apt knows it."""

    uri: str
    suite: str

    @property
    def line(self) -> str:
        return f"deb {self.uri} {self.suite} main"


def sources() -> tuple[Source, ...]:
    """The host's sources of Debian main, as apt resolved them; none when apt knows none."""
    form = "$(ORIGIN)|$(COMPONENT)|$(REPO_URI)|$(RELEASE)"
    words = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
    return parse_sources(subprocess.run(words, capture_output=True, text=True, check=False).stdout)


def parse_sources(text: str) -> tuple[Source, ...]:
    """From lines of origin|component|uri|release, the distinct ones of Debian main."""
    rows = [line.split("|") for line in text.splitlines() if line.count("|") == 3]
    wanted = [
        Source(uri, release)
        for origin, component, uri, release in rows
        if origin == "Debian" and component == "main" and release.startswith(SUITE)
    ]
    return tuple(dict.fromkeys(wanted))


class DebianRoot(Input):
    """`[[debian_root]]`: a small Debian with apt, as the archive `debian.tar`."""

    suite: str
    include: tuple[str, ...]

    def artifact(self, home: Home) -> Artifact:
        include = f"--include={','.join(self.include)}"

        def make(shell: Shell, target: Path) -> None:
            lines = [source.line for source in sources()]
            if not lines:
                raise StageFailed(
                    f"stage {shell.stage!r}: apt knows no source of Debian {SUITE} main. "
                    "Add one to /etc/apt/sources.list and run `apt-get update`."
                )
            words = ("mmdebstrap", "--mode=root", "--variant=apt", include, self.suite)
            shell.run(*SANDBOX, *words, str(target / "debian.tar"), *lines)

        key = of_text("mmdebstrap apt", include, self.suite)
        return Artifact("debian", key, make, "fetch", self.host)


class DebianPackage(Input):
    """`[[debian]]`: files of a package, which is not installed."""

    package: str
    files: Files

    def artifact(self, home: Home) -> Artifact:
        key = of_text(SUITE, self.package, str(sorted(self.files.items())))
        return Artifact(self.package, key, self._make, "fetch", self.host)

    def _make(self, shell: Shell, target: Path) -> None:
        # As root: apt's own user may not write into our folder.
        root = ("-o", "APT::Sandbox::User=root")
        shell.run("apt-get", *root, "download", self.package, cwd=target)
        (archive,) = target.iterdir()
        lay_out(shell, archive, target, self.files)
