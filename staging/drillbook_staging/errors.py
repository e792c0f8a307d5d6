"""What can go wrong with the embedded cluster."""

from drillbook.model.errors import DrillbookError


class StageFailed(DrillbookError):
    """A stage of `up` or `down` failed; the message names it, its last words and its log."""
