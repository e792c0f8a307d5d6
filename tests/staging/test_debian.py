"""Debian's own sources among whatever a host has."""

from drillbook_staging.debian import Source, missing, parse_sources

TARGETS = """\
Debian|main|http://deb.example/debian/|bookworm
Debian|main|http://deb.example/debian/|bookworm
Debian|contrib|http://deb.example/debian/|bookworm
Debian|main|http://deb.example/debian-security/|bookworm-security
Debian|main|http://deb.example/debian/|trixie
Node|main|https://node.example/|nodistro

half|a line
"""


def test_only_main_of_the_suite_is_taken_each_once() -> None:
    assert parse_sources(TARGETS) == (
        Source("http://deb.example/debian/", "bookworm"),
        Source("http://deb.example/debian-security/", "bookworm-security"),
    )


def test_a_host_without_debian_has_none() -> None:
    assert parse_sources("Ubuntu|main|http://x/|noble\n") == ()


def test_a_source_is_written_as_apt_reads_it() -> None:
    assert Source("http://x/", "bookworm").line == "deb http://x/ bookworm main"


def test_a_package_that_nobody_has_is_missing() -> None:
    assert missing(["no-such-package-of-debian"]) == ["no-such-package-of-debian"]
