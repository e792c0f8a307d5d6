"""What only reads, and what does not."""

import pytest

from drillbook.model import Var, command, join
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
        ((*PLACE, "exec", "pod/x", "--", "ss", "-tlnp"), ""),
        ((*PLACE, "exec", "pod/x", "--", "ss", "-tK"), "`ss -tK`"),
        ((*PLACE, "exec", "pod/x", "--", "ss", "--kill"), "`ss --kill`"),
        ((*PLACE, "exec", "pod/x", "--", "openssl", "x509", "-out", "x"), "`openssl x509 -out`"),
        ((*PLACE, "get", "-Aw"), "`kubectl get -Aw` does not end"),
        ((*PLACE, "get", "--watch"), "does not end"),
        ((*PLACE, "logs", "-f", "x"), "does not end"),
        ((*PLACE, "logs", "--follow", "x"), "does not end"),
        ((*PLACE, "delete", "pod", "get"), "`kubectl delete`"),
        ((*PLACE, Var("VERB"), "get"), "`kubectl `"),
        (("curl", "-fsS", "--max-time", "10", "--get", "http://x"), ""),
        (("curl", "--max-time", "9", join("-d", Var("X")), "http://x"), "`curl -d$`"),
        (("curl", "--max-time", "9", join("--request=", Var("X")), "x"), "`curl --request=$`"),
        (("curl", "--max-time", "9", "-w", "%output{x}y", "http://x"), "write a file"),
        (("curl", "-fsS", "--get", "http://x"), "may never end"),
        (("curl", "-X", "POST", "--max-time", "9", "http://x"), "`curl -X`"),
        (("curl", "--max-time", "9", "--data-urlencode", "a=b", "http://x"), "without `--get`"),
        (("curl", "-sS", "--max-time", "9", "-o", "x", "http://x"), "write a file"),
        (("python3", "scripts/prometheus/moment.py", "x"), ""),
        (("python3", "scripts/spark/keep_last_good.py", "x"), "is no tool that only reads"),
        (("redis-cli", "-u", "redis://x", "GET", "a"), ""),
        (("redis-cli", "-u", "redis://x", "DEL", "a"), "none of the commands"),
        (("redis-cli", "-x", "GET", "a"), "`redis-cli -x`"),
        (("redis-cli", "GET", "a", "b"), "none of the commands"),
        (("timeout", "5", "rm", "x"), "`rm` is not on the list"),
        (("LD_PRELOAD=x", "curl"), "`LD_PRELOAD=x` is not on the list"),
        (("psql", "-XAtqw"), "psql has no `PGOPTIONS"),
        (("aws", "s3api", "head-object", "--key=x"), ""),
        (("aws", "s3api", "head-object", "--key=file://x"), "`aws --key=file://x`"),
        (("aws", "s3api", "head-object", "--key", "x"), "none of s3api"),
        (("aws", "s3api", "get-object", "--key=x"), "none of s3api"),
        (("bash", "-c", "true"), "`bash` is not on the list"),
    ],
)
def test_what_only_reads(words: tuple[str, ...], why: str) -> None:
    said = why_not(command(*words))
    assert (why in said) if why else said == ""
