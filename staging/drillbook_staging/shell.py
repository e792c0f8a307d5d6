"""Child processes: marked as ours, logged, ended with us, their failures told in full."""

import os
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drillbook_staging.errors import StageFailed
from drillbook_staging.places import PART_OF, Places

LAST_LINES = 12
"""How much of a failed command's log its error repeats."""

SANDBOX = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
"""Around a command that mounts and forks: both end with it when it is killed."""


@dataclass(frozen=True)
class Shell:
    """Runs command lines for one stage, their output appended to that stage's log."""

    places: Places
    stage: str
    extra: Mapping[str, str] = field(default_factory=dict)
    """Variables on top of our own environment."""

    @property
    def log(self) -> Path:
        return self.places.logs / f"{self.stage.replace(' ', '-')}.log"

    @property
    def environ(self) -> dict[str, str]:
        """Ours, so that proxies, certificates and registries are those of the host."""
        return {
            **os.environ,
            "LC_ALL": "C.UTF-8",
            "TMPDIR": str(self.places.tmp),
            PART_OF: str(self.places.state),
            **self.extra,
        }

    def run(self, *words: str, cwd: Path | None = None, within_s: float | None = None) -> None:
        """Run to its end. Raises StageFailed when it fails or takes longer than `within_s`."""
        self._ran(words, cwd, within_s, None)

    def output(self, *words: str, within_s: float | None = 60) -> str:
        """What it prints on standard output. Raises StageFailed as `run` does."""
        return self._ran(words, None, within_s, subprocess.PIPE)

    def _ran(
        self, words: tuple[str, ...], cwd: Path | None, within_s: float | None, out: int | None
    ) -> str:
        """Run to its end; `out`: where its output goes if not to the log."""
        self._open()
        with self.log.open("ab") as log:
            log.write(f"+ {' '.join(words)}\n".encode())
            log.flush()
            child = self._start(words, cwd, log.fileno() if out is None else out, log.fileno())
            try:
                text, _ = child.communicate(timeout=within_s)
            except subprocess.TimeoutExpired as error:
                _end(child)
                raise self.failure(words, f"took longer than {within_s} s") from error
            except BaseException:
                # Ctrl-C and SIGTERM: nothing of ours may go on working behind the person's back.
                _end(child)
                raise
        if child.returncode != 0:
            raise self.failure(words, f"ended with {_ending(child.returncode)}")
        return (text or b"").decode(errors="replace")

    def daemon(self, *words: str) -> subprocess.Popen[bytes]:
        """Start something that outlives us."""
        self._open()
        with self.log.open("ab") as log:
            return self._start(words, None, log.fileno(), log.fileno())

    def failure(self, words: tuple[str, ...], what: str) -> StageFailed:
        return StageFailed(
            f"stage {self.stage!r}: `{' '.join(words)}` {what}.\n"
            f"Its last lines:\n{tail(self.log)}\n"
            f"The whole log: {self.log}\n"
            "Mend the cause and run `drillbook staging up` again: it cleans up first."
        )

    def _open(self) -> None:
        self.places.logs.mkdir(parents=True, exist_ok=True)
        self.places.tmp.mkdir(parents=True, exist_ok=True)

    def _start(
        self, words: tuple[str, ...], cwd: Path | None, out: int, err: int
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                words,
                cwd=cwd,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
            )
        except OSError as error:
            raise StageFailed(
                f"stage {self.stage!r}: cannot start {words[0]}: {error.strerror}. "
                "Is it installed and on PATH?"
            ) from error


def tail(log: Path, lines: int = LAST_LINES) -> str:
    """The last lines of a log, indented."""
    if not log.is_file():
        return "  (no log)"
    text = log.read_text(errors="replace").splitlines()
    return "\n".join(f"  {line[:400]}" for line in text[-lines:]) or "  (empty)"


def _end(child: subprocess.Popen[bytes]) -> None:
    # It leads its own session, hence its process group has its number.
    if child.poll() is None:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    if child.stdout:
        child.stdout.close()


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
