"""What only reads, and what does not."""

import pytest

from drillbook.model import Var, command
from drillbook.model.reading import why_not

PLACE = ("kubectl", "--context", Var("CONTEXT"), "-n", Var("NAMESPACE"))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ((*PLACE, "get", "pods"), ""),
        ((*PLACE, "exec", "pod/x", "--", "df", "-k"), ""),
        ((*PLACE, "exec", "pod/x", "--", "openssl", "x509", "-enddate"), ""),
        ((*PLACE, "exec", "pod/x", "--", "rm", "x"), "what it runs in the pod"),
        ((*PLACE, "exec", "pod/x", "df"), "`kubectl exec`"),
        ((*PLACE, "delete", "pod", "get"), "`kubectl delete`"),
        ((*PLACE, Var("VERB"), "get"), "`kubectl `"),
        (("curl", "-fsS", "--max-time", "10", "--get", "http://x"), ""),
        (("curl", "-fsS", "--get", "http://x"), "may never end"),
        (("curl", "-X", "POST", "--max-time", "9", "http://x"), "`curl -X`"),
        (("curl", "--max-time", "9", "--data-urlencode", "a=b", "http://x"), "without `--get`"),
        (("curl", "-sS", "--max-time", "9", "-o", "x", "http://x"), "write a file"),
        (("python3", "scripts/prometheus/moment.py", "x"), ""),
        (("python3", "scripts/spark/keep_last_good.py", "x"), "is no tool that only reads"),
        (("bash", "-c", "true"), "`bash` is not on the list"),
    ],
)
def test_what_only_reads(words: tuple[str, ...], why: str) -> None:
    said = why_not(command(*words))
    assert (why in said) if why else said == ""
