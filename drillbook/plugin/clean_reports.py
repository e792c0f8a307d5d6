"""What pytest tells the reporters (terminal, JUnit XML, Allure), redacted before it reaches them.
Steps and openings redact what they saw where they saw it. This is the net below: it also catches an
exception that nobody expected, captured output, and the values that `--showlocals` prints."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest

from drillbook.evidence.redactor import Redactor
from drillbook.model.errors import DrillbookError


class Redacted(DrillbookError):
    """Stands in for an exception whose text held a secret."""


class CleanReports:
    """A pytest plugin. Its wrappers are the innermost, so that every reporter's are around them."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor = redactor

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object]
    ) -> Generator[None, object, object]:
        with self._cleaned():
            found = yield
        # Allure wraps the finalizers as well, and tells what they raise.
        finalizers = getattr(fixturedef, "_finalizers", [])
        finalizers[:] = [self._cleanly(one) for one in finalizers]
        return found

    def _cleanly(self, finalizer: Callable[[], object]) -> Callable[[], object]:
        @wraps(finalizer)
        def call() -> object:
            with self._cleaned():
                return finalizer()

        return call

    @contextmanager
    def _cleaned(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            clean = self._clean(error)
            if clean is None:
                raise
            raise clean from None

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_makereport(
        self, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        error = call.excinfo.value if call.excinfo else None
        clean = None if error is None else self._clean(error)
        if clean is not None:
            call.excinfo = pytest.ExceptionInfo.from_exception(clean)
        report = yield
        report.longrepr = self._representation(report.longrepr)
        report.sections = [(name, self.redactor.text(text)) for name, text in report.sections]
        report.user_properties = [
            (name, self.redactor.text(str(value))) for name, value in report.user_properties
        ]
        return report

    def _clean(self, error: BaseException) -> BaseException | None:
        """What to report instead; None where the exception and its causes hold no secret."""
        texts = [f"{type(one).__name__}: {one}" for one in _chain(error)]
        if all(self.redactor.text(text) == text for text in texts):
            return None
        if isinstance(error, pytest.skip.Exception):
            clean: BaseException = pytest.skip.Exception(self.redactor.text(str(error)))
        else:
            clean = Redacted(self.redactor.text(texts[0]))
        return clean.with_traceback(error.__traceback__)

    def _representation(self, found: Any) -> Any:
        if found is None:
            return None
        if isinstance(found, tuple):  # of a test that was skipped: file, line, reason
            return tuple(self.redactor.text(o) if isinstance(o, str) else o for o in found)
        text = str(found)
        clean = self.redactor.text(text)
        return found if clean == text else clean


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception with those that its traceback would print."""
    seen: set[int] = set()
    now: BaseException | None = error
    while now is not None and id(now) not in seen:
        seen.add(id(now))
        yield now
        hidden = None if now.__suppress_context__ else now.__context__
        now = now.__cause__ or hidden
