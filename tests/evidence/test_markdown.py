"""A log line cannot change a page's structure; an ordinary sentence stays readable."""

import pytest

from drillbook.evidence.markdown import (
    anchor,
    cell,
    clean,
    code,
    cut,
    evidence,
    fence,
    mermaid,
    prose,
)


@pytest.mark.parametrize(
    "text",
    [
        "The driver's log says INVALID_DRIVER_MEMORY (see spark.driver.memory = 100m).",
        'last terminated with reason "OOMKilled", 3 > 2',
        "run `kubectl get pods` first",
        "a-b, c/d: 12 % & more; 2 + 2 = 4",
        "",
    ],
)
def test_ordinary_prose_is_kept(text: str) -> None:
    assert prose(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("# heading", r"\# heading"),
        ("1. item", r"1\. item"),
        ("~~~", r"\~\~~"),
        ("| a | b |", r"\| a | b |"),
        ("two\nlines\n\n# none", "two lines # none"),
        ("*bold* _it_ a_b", r"\*bold\* \_it\_ a_b"),
        ("[x](http://h)", r"\[x\](http://h)"),
        ("<script>", "&lt;script>"),
        ("&lt;b> & c", "&amp;lt;b> & c"),
        ("one ` tick", r"one \` tick"),
        ("{{ secret }} {% if %}", "{ { secret }} { % if %}"),
        ("``a``", r"\`\`a\`\`"),
    ],
)
def test_markup_in_prose_is_literal(text: str, shown: str) -> None:
    assert prose(text) == shown


def test_terminal_codes_and_invisible_characters_go() -> None:
    assert clean("\x1b[31;1mred\x1b[0m \x1b]0;title\x07x\x00\u202ey\ufeff") == "red xy"
    assert clean("a\r\nb\rc") == "a\nb\nc"


def test_each_place_has_its_own_rules() -> None:
    assert cell("a | `b | c`\nd") == r"a \| `b \| c` d"
    assert mermaid('says "a" <b> `c`; #1\n-->') == "says 'a' #60;b#62; c#59; #35;1 --#62;"
    assert anchor('The "driver" <out> of memory!') == "the-driver-out-of-memory"
    assert fence("a\n````\nb", "text") == "`````text\na\n````\nb\n`````"
    codes = {"a ` b": "``a ` b``", "`a`": "`` `a` ``", "  ": "(nothing)", "a\nb": "`a b`"}
    assert {one: code(one) for one in codes} == codes
    assert evidence("OOMKilled\n") == "`OOMKilled`"
    assert evidence("x" * 500) == f"`{'x' * 400} ...`"
    assert evidence("a\n" + "x" * 200).splitlines()[4] == f"{'x' * 160} ..."


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("one two three", 13, "one two three"),
        ("one two three", 12, "one two ..."),
        ("a one-two-three", 9, "a one-two ..."),
    ],
)
def test_what_is_cut_keeps_its_words_whole(text: str, width: int, shown: str) -> None:
    assert cut(text, width) == shown


def test_evidence_is_taken_from_around_what_was_looked_for() -> None:
    log = "\n".join(f"line {n}" for n in range(100))
    shown = evidence(log, around="line 50").splitlines()
    assert shown[3] == "(12 of 100 lines)"
    assert (shown[4], shown[-2]) == ("line 43", "line 54")
    end = evidence(f"{log}\n```\n# not a heading", around="not there")
    assert end.startswith("\n\n````text\n(12 of 102 lines)\nline 90\n")
    assert end.endswith("# not a heading\n````")
