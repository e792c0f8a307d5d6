"""The command `drillbook`: parses, calls, and turns errors into words and exit codes.

Each command imports what it needs: `--help` and `list` do not wait for clients of a cluster.
"""

import errno
import gc
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from drillbook.cli import commandline, completion, embedded
from drillbook.cluster import settings as settings_module
from drillbook.cluster.settings import Settings
from drillbook.evidence.clean_stream import clean_output, lost_output
from drillbook.evidence.redactor import Redactor
from drillbook.model import Control, Duration, Phase
from drillbook.model.errors import DrillbookError, UsageError, beginning

app = typer.Typer(
    help="""Runbooks that prove themselves.

    Exit codes: 0 all that was asked for passed; 1 a runbook failed, or lint or render found
    problems; 2 usage or configuration error; 3 refused by a guard, nothing was changed; 4 could
    not tell (cluster or monitoring unreachable, drill invalid); 5 an undo failed; 130 interrupted,
    after the undo.
    """,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

REDACTOR = Redactor()
"""A command holds no Secrets of a cluster: it knows the environment's, and the shapes."""

# Into a file or a log, a table must not be cut to the width of a terminal that is not there.
# And `:100:` in a problem's place is no emoji.
console = Console(
    width=None if sys.stdout is not None and sys.stdout.isatty() else 160, emoji=False
)
Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        help="runbooks by id, title, alert, page, file or folder; all of features/ by default",
        autocompletion=completion.runbooks,
    ),
]
Named = Annotated[
    str,
    typer.Argument(
        help="a runbook's id, title, alert, page or file",
        metavar="RUNBOOK",
        autocompletion=completion.runbooks,
    ),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        console.print(f"drillbook {version('drillbook')}", highlight=False)
        raise typer.Exit


@app.callback()
def every_command(
    show_version: Annotated[
        bool,
        typer.Option("--version", help="print it and end", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """What stands before a command's name."""


def _settings(
    kubeconfig: Path | None = None, context: str | None = None, shipped: bool = False
) -> Settings:
    return settings_module.load(shipped=shipped, kubeconfig=kubeconfig, context=context)


@app.command()
def lint(
    paths: Paths = None,
    annotations: Annotated[
        bool, typer.Option("--annotations", help="also as GitHub shows them on their lines")
    ] = False,
) -> None:
    """Every problem of the runbooks at once, with file:line, rule id, and how to mend it."""
    from drillbook.cli.commands import offline

    offline.lint(_settings(), paths or [], console, annotations)


@app.command()
def gate(
    base: Annotated[str, typer.Option(help="the commit to compare with; HEAD^ by default")] = "",
    drill: Annotated[
        bool, typer.Option("--drill", help="drill what the change made stale")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="what is stale then fails")] = False,
    budget: Annotated[str, typer.Option(help="how long drills may take together")] = "8m",
    plan: Annotated[bool, typer.Option("--plan", help="say what it needs, drill nothing")] = False,
    summary: Annotated[Path | None, typer.Option(help="append the Markdown to this file")] = None,
) -> None:
    """What a change needs before it may pass; then a sample of proven causes is drilled again.

    Exit code 4: there are proven causes, and none was drilled.
    """
    from drillbook.cli.commands import gate as gating

    try:
        budget_s = Duration(budget).seconds
    except ValueError as error:
        raise UsageError(f"--budget: {error}") from error
    asked = gating.Asked(
        base=base, drill=drill, strict=strict, budget_s=budget_s, plan=plan, summary=summary
    )
    raise typer.Exit(gating.run(_settings(), asked, console))


@app.command()
def plan(
    runbook: Named,
    offline: Annotated[bool, typer.Option("--offline", help="contact nothing")] = False,
    kubeconfig: Annotated[Path | None, typer.Option(help="the cluster to ask")] = None,
    context: Annotated[str | None, typer.Option(help="the kubeconfig's context")] = None,
) -> None:
    """What a drill would touch, before it touches it, and whether it could begin now.

    Asks the cluster and changes nothing: the guard, the identities' rights, the reaper, what halts
    drills, what others hold, the nodes that a fault takes. Exit code 3: a drill would be refused.
    """
    from drillbook.cli.commands import planning

    planning.plan(_settings(kubeconfig, context), runbook, offline, console)


@app.command(cls=commandline.DrillCommand)
def drill(
    paths: Paths = None,
    cause: Annotated[
        list[str] | None,
        typer.Option(help="only this cause; may be repeated", autocompletion=completion.causes),
    ] = None,
    control: Annotated[
        list[Control] | None, typer.Option(help="only this control; may be repeated")
    ] = None,
    until: Annotated[
        Phase, typer.Option(help="end after this phase (partial, never proof)")
    ] = Phase.PREVENTION,
    starter: Annotated[
        bool, typer.Option("--starter", help="a set over several systems, in minutes")
    ] = False,
    due: Annotated[
        bool, typer.Option("--due", help="only what no accepted record proves today")
    ] = False,
    changed: Annotated[
        str, typer.Option(metavar="BASE", help="only what is another drill than at this commit")
    ] = "",
    jobs: Annotated[
        str,
        typer.Option(
            "--jobs",
            "-j",
            metavar="auto|N",
            help="how many drills run at once, as locks allow; auto: by processors and memory",
        ),
    ] = "auto",
    thorough: Annotated[
        bool, typer.Option("--thorough", help="ask other causes for their whole time")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="every line of every drill")
    ] = False,
    leave_standing: Annotated[
        str | None,
        typer.Option(
            metavar="[DURATION]",
            help="leave the incident for so long (without a DURATION: the setting leave_standing)",
        ),
    ] = None,
    kubeconfig: Annotated[Path | None, typer.Option(help="the cluster to drill on")] = None,
    context: Annotated[str | None, typer.Option(help="the kubeconfig's context")] = None,
) -> None:
    """Run drills: real fault, real alert, real fix, timed; everything is undone and verified.

    Example: drillbook drill features/spark --cause driver-oom --control plain
    """
    from drillbook.cli.commands import drill as drilling

    loaded = _settings(kubeconfig, context)
    asked = drilling.Asked(
        paths=paths or (),
        causes=cause or (),
        controls=control or (),
        starter=starter,
        due=due,
        changed=changed,
        until=until,
        leave_standing=commandline.standing(loaded, leave_standing),
        thorough=thorough,
        jobs=commandline.jobs(jobs),
        verbose=verbose,
    )
    raise typer.Exit(drilling.drill(loaded, asked, console))


@app.command()
def diagnose(
    runbook: Annotated[
        str,
        typer.Argument(
            help="a runbook; without it whatever fires",
            metavar="[RUNBOOK]",
            autocompletion=completion.runbooks,
        ),
    ] = "",
    alert: Annotated[
        str,
        typer.Option(help="the runbooks of this alert", autocompletion=completion.alerts),
    ] = "",
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="a page's variable")
    ] = None,
    context: Annotated[str | None, typer.Option(help="your kubeconfig's context")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="for a program")] = False,
) -> None:
    """Which cause holds now: runs the page's diagnosis lines in your own shell, and only reads.

    Example: drillbook diagnose RB-SPARK-001 --set NAMESPACE=shop --set APP=orders

    Exit codes: 0 one cause holds; 1 none or several, or no alert fires; 4 could not tell.
    """
    from drillbook.cli.commands import diagnose as diagnosing

    values = diagnosing.given(given or ())
    values |= {"CONTEXT": context} if context else {}
    asked = (_settings(shipped=True), runbook, alert, values, as_json, REDACTOR, console)
    raise typer.Exit(diagnosing.diagnose(*asked))


@app.command()
def respond(
    runbook: Annotated[
        str,
        typer.Argument(help="a runbook", metavar="[RUNBOOK]", autocompletion=completion.runbooks),
    ] = "",
    alert: Annotated[
        str,
        typer.Option(help="the runbook of this alert", autocompletion=completion.alerts),
    ] = "",
    given: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="a page's variable")
    ] = None,
    context: Annotated[str | None, typer.Option(help="your kubeconfig's context")] = None,
    rehearse: Annotated[
        str,
        typer.Option(
            metavar="CAUSE",
            help="put this cause in first, as a drill does",
            autocompletion=completion.causes,
        ),
    ] = "",
    log: Annotated[Path, typer.Option(help="the folder for incidents' logs")] = Path("incidents"),
) -> None:
    """Walk a runbook's page on a live incident: runs a line when you say so, and logs each step.

    A line that changes something runs after `yes` only. Answers may come from a pipe; their end
    stops. Example: drillbook respond RB-SPARK-001

    Exit codes: 0 it is over; 1 it is not; 4 could not tell where it is.
    """
    from drillbook.cli.commands import diagnose as diagnosing
    from drillbook.cli.commands import respond as responding

    values = diagnosing.given(given or ())
    values |= {"CONTEXT": context} if context else {}
    asked = responding.Asked(
        runbook=runbook, alert=alert, values=values, rehearse=rehearse, log=log
    )
    settings = _settings(shipped=not rehearse)
    raise typer.Exit(responding.respond(settings, asked, REDACTOR, console))


@app.command()
def render(
    check: Annotated[bool, typer.Option("--check", help="only compare; exit 1 on drift")] = False,
) -> None:
    """Features and accepted records -> the pages under runbooks/."""
    from drillbook.cli.commands import offline

    offline.render_pages(_settings(), check, console)


rules = typer.Typer(no_args_is_help=True, help="Alert rules: write them for Prometheus, test them.")
app.add_typer(rules, name="rules")


@rules.command("write")
def rules_write(
    environment: Annotated[str, typer.Argument(help="a file of monitoring/values, less its end")],
    folder: Annotated[Path, typer.Argument(help="where the rule files are written")],
) -> None:
    """The alert rules of an environment, as Prometheus loads them.

    Example: drillbook rules write production /etc/prometheus/rules
    """
    from drillbook.cli.commands import rules as command

    command.write(_settings(), environment, folder, console)


@rules.command("test")
def rules_test(
    alerts: Annotated[
        list[str] | None,
        typer.Argument(help="names; every alert by default", autocompletion=completion.alerts),
    ] = None,
) -> None:
    """Do the alerts what monitoring/cases/ALERT.yaml says, and does a case find each mutant?

    \b
    A file of cases:
      every: 5s                     # between two samples
      incident:                     # an object that starts healthy and fails
        series: {'restarts{namespace="shop", pod="a"}': 0x3 1x3 2x60}
        labels: {namespace: shop, pod: a}
        value: "2"                  # what {{ $value }} prints, if an annotation does
        silent: 15s
        fires: 5m
      cases:                        # what else must and must not fire
        - {name: one restart is no loop, series: {...}, silent: [1m, 10m]}
    The neighbour, the other namespace, the gone object, the annotations' text and the mutants of
    the expression follow from the incident. promtool judges, in every environment of
    monitoring/values.
    """
    from drillbook.cli.commands import rules as command

    command.test(_settings(), alerts or [], console)


@app.command()
def score(
    month: Annotated[str | None, typer.Option(help="YYYY-MM; all by default")] = None,
) -> None:
    """Accepted runs -> the scorecard, every rate with its denominator."""
    from drillbook.cli.commands import offline

    offline.scorecard(_settings(), month, console)


@app.command()
def accept(
    run: Annotated[
        str, typer.Argument(help="a folder of reports/runs", autocompletion=completion.runs)
    ],
) -> None:
    """Make a whole run the committed proof, redacted, and render the pages."""
    from drillbook.cli.commands import offline

    offline.accept(_settings(), run, console)


@app.command("list")
def list_runbooks(
    backgrounds: Annotated[
        bool, typer.Option("--backgrounds", help="who stands on what, instead")
    ] = False,
) -> None:
    """What runbooks there are, and in what state of proof."""
    from drillbook.cli.commands import inspect

    show = inspect.list_backgrounds if backgrounds else inspect.list_runbooks
    show(_settings(), console)


@app.command()
def show(runbook: Named) -> None:
    """One runbook: its causes, its steps and the commands they stand for."""
    from drillbook.cli.commands import inspect

    inspect.show(_settings(), runbook, console)


@app.command("try")
def try_sentence(
    sentence: Annotated[str, typer.Argument(help="a Then sentence, in quotes")],
    namespace: Annotated[str, typer.Option("--in", help="a drill's namespace that stands")],
    like: Annotated[
        str,
        typer.Option(
            help="the runbook whose names the sentence uses; by default the namespace's own",
            autocompletion=completion.runbooks,
        ),
    ] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="until it holds, for as long as a drill would")
    ] = False,
    kubeconfig: Annotated[Path | None, typer.Option(help="the cluster to ask")] = None,
    context: Annotated[str | None, typer.Option(help="the kubeconfig's context")] = None,
) -> None:
    """Ask an incident that was left standing one sentence: its line, the answer, whether it holds.

    Only reads. Example: drillbook try 'the server of "registry" is ready within 1m' --in drill-...

    Exit codes: 0 it holds; 1 it does not; 3 it would change something; 4 could not tell.
    """
    from drillbook.cli.commands import trying

    asked = trying.Asked(sentence=sentence, namespace=namespace, like=like, wait=wait)
    raise typer.Exit(trying.run(_settings(kubeconfig, context), asked, console))


new = typer.Typer(no_args_is_help=True, help="Begin something as a skeleton that lints.")
app.add_typer(new, name="new")


@new.callback()
def every_new_thing() -> None:
    """What stands before the name of what is new."""


@new.command("runbook")
def new_runbook(
    name: Annotated[str, typer.Argument(metavar="AREA/NAME", autocompletion=completion.unwritten)],
    on: Annotated[str, typer.Option(help="the component to stand on, by words of it")] = "",
) -> None:
    """Every file of a runbook of features/catalogue.yaml; overwrites nothing.

    Example: drillbook new runbook incidents/complete-outage --on "a Redis server"
    """
    from drillbook.cli.commands import new as making

    making.runbook(_settings(), name, on, console)


@app.command()
def steps(
    words: Annotated[list[str] | None, typer.Argument(help="only what holds all of them")] = None,
    document: Annotated[
        bool, typer.Option("--document", help="write the tables of docs/write-a-runbook.md")
    ] = False,
    check: Annotated[bool, typer.Option("--check", help="only compare; exit 1 on drift")] = False,
) -> None:
    """The sentences, sources and matchers that there are, and the line that each prints.

    Example: drillbook steps log contains
    """
    from drillbook.cli.commands import steps as listing

    if document or check:
        listing.write_document(_settings(), check, console)
    else:
        listing.steps(_settings(), words or [], console)


@app.command()
def undo(
    dead: Annotated[bool, typer.Option("--dead", help="what dead drills left behind")] = False,
    kept: Annotated[bool, typer.Option("--kept", help="incidents that were left standing")] = False,
) -> None:
    """Undo by hand: dead drills, incidents that were left standing; a live drill is left alone.

    The reaper in the cluster does the same by itself when a drill's lease expires.
    """
    from drillbook.cli.commands import undo as undoing

    undoing.by_hand(_settings(), dead, kept, console)


@app.command()
def halt(
    why: Annotated[
        str | None, typer.Option(help="the reason, which every refused drill says")
    ] = None,
    lift: Annotated[bool, typer.Option("--lift", help="let drills start again")] = False,
) -> None:
    """Stop every drill by its undo, and let none start before `--lift`."""
    if lift == bool(why):
        raise UsageError(
            'say why: `drillbook halt --why "..."` stops every drill under way on this cluster; '
            "`drillbook halt --lift` ends that. Nothing was changed."
        )
    from drillbook.cli.commands import undo as undoing

    if why:
        undoing.halt(_settings(), why, console)
    else:
        undoing.lift(_settings(), console)


@app.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
def staging(
    words: Annotated[list[str] | None, typer.Argument(metavar="up|status|images|down")] = None,
) -> None:
    """The embedded staging cluster, Kubernetes on this machine: `drillbook staging --help`."""
    embedded.run(words or [])


@app.command("doctor")
def run_doctor() -> None:
    """What this machine and this cluster lack, and the fix."""
    from drillbook.cli.commands import doctor

    doctor.doctor(_settings(), console)


def main() -> None:
    """The entry point: an error's text and its exit code, never a bare traceback."""
    # What a command reads it keeps until it ends; looking for garbage in it took a fifth of the
    # time of a large lint, and freed nothing (docs/benchmarks.md).
    gc.disable()
    # What it prints quotes runbooks and servers' answers: a secret in them is not printed.
    clean_output(REDACTOR)
    sys.exit(_written(_run(app)))


def _written(code: int) -> int:
    """The exit code of what was printed, too: a report that nobody got is no success."""
    lost = lost_output()
    if lost is None:
        return code
    with suppress(OSError):  # where both streams are lost, the code is all there is
        why = "it was closed" if lost.errno == errno.EBADF else lost.strerror
        os.write(2, f"drillbook: its output could not be written: {why}.\n".encode())
    return code or 4


def _run(command: Callable[[], object]) -> int:
    """The exit code of a command; what it raised, in words on stderr."""
    try:
        command()
    except SystemExit as ended:  # typer's own way to end
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except DrillbookError as error:
        return _say(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _say("interrupted", 130)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        return _say(f"{place}{error.strerror or error}. Nothing more is known; try again.", 4)
    except Exception as error:  # noqa: BLE001 - the last net: a reader gets one line, never a trace
        # Redacted before it is cut: half of a secret is not known to be one.
        said = " ".join(REDACTOR.words(str(error)).split())
        what = f"{type(error).__name__}: {beginning(said)}"
        log = _traceback_log(error)
        return _say(f"a mistake of drillbook's own: {what}. Report it with {log}.", 4)
    return 0


def _say(text: str, code: int) -> int:
    print(f"drillbook: {text}", file=sys.stderr)
    return code


def _traceback_log(error: Exception) -> str:
    """The file that holds the traceback, or the word that there is none."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="drillbook-", suffix=".log", delete=False
        ) as log:
            log.write(REDACTOR.words("".join(traceback.format_exception(error))))
    except OSError as full:
        return f"its traceback, which could not be written ({full})"
    return log.name
