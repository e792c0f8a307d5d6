"""What can go wrong, and the exit code that says so. Nobody inside the engine catches
`DrillbookError` to go on: the command line catches it once, prints its message, and exits with its
code. The codes are those of the design's table."""


class DrillbookError(Exception):
    """Base of every error meant for a person: place, want, find, next move."""

    exit_code: int = 4


class UsageError(DrillbookError):
    """A usage or configuration error, or nothing selected; the cluster was not contacted."""

    exit_code = 2


class UnreadableFeature(UsageError):
    """A feature file is not a runbook: malformed Gherkin, wrong encoding, unusable metadata."""


class Refused(DrillbookError):
    """A guard refused; nothing was changed."""

    exit_code = 3


class RunbookProblem(DrillbookError):
    """A runbook is wrong: a step is unbound or ambiguous, or lint found problems."""

    exit_code = 1


class CouldNotTell(DrillbookError):
    """No answer could be had: a server is unreachable, a metric unknown, a rule not loaded. It is
    never a verdict about the system: a step that meets it ends as ERROR, not as FAILED."""

    exit_code = 4


class InvalidDrill(DrillbookError):
    """A drill that proves nothing: no steady state, no effect, or an alert that fired too early."""

    exit_code = 4


class UndoFailed(DrillbookError):
    """Something that a drill changed could not be taken back; the message lists what is left."""

    exit_code = 5


def beginning(text: str, width: int = 200) -> str:
    """The first words of what an error quotes, before anybody redacted it. Whole ones: half of a
    secret would not be known to be one."""
    if len(text) <= width:
        return text
    words = text[:width].split()[: -1 if not text[width].isspace() else None]
    return " ".join([*words, "..."])
