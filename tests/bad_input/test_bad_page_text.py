"""`{{7*7}}`, `${env.X}`, `<script>`, `[x](javascript:...)`, a fence break, `|` in a table cell,
ANSI codes in a log: printed literally; the page's structure is unchanged."""

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

import pytest
import runbook_examples as examples
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

from drillbook.evidence import markdown
from drillbook.evidence.accept import by_key
from drillbook.evidence.markdown import visible
from drillbook.model import BoundCause, BoundScenario, Verdict, Workload
from drillbook.pages import render

HOSTILE = {
    "template": "{{7*7}} {% raw %} {#",
    "variable": "${env.X}",
    "script": "<script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "comment": "<!-- all that follows",
    "link": "[x](javascript:alert(1))",
    "picture": "![x](http://tracker/p.png)",
    "autolink": "<javascript:alert(1)>",
    "reference": "[x]: javascript:alert(1)",
    "fence": "```\n# not a heading\n```",
    "tilde fence": "~~~\n# not a heading",
    "longer fence": "``````\nx",
    "pipes": "a | b | c |",
    "heading": "# a heading\n\nnext\n===",
    "list": "- one\n- two\n1. three",
    "rule": "---\n***",
    "front matter": "---\nstate: verified\n---",
    "html entity": "&lt;b&gt; &#60;",
    "code": "`a` ``b`` `",
    "terminal": "\x1b[31mred\x1b[0m\x1b]0;title\x07\x1b[2J",
    "direction": "abc\u202edef\u2066",
    "quote": "> said",
    "emphasis": "**bold** _under_ ~~gone~~",
    "break": "a\\\nb  \nc",
    "mermaid": '"]; A-->B; click A "javascript:x"',
    "jinja": "{{ ''.__class__ }}",
}
PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
PARSER.validateLink = lambda url: True  # type: ignore[method-assign]  # it hides javascript's


PLACES = ("title", "meaning", "cause", "cause description", "scenario", "step", "fault", "workload")
SEEN = ("observed", "reason", "notes")


def page(place: str, text: str) -> str:
    """A page that holds a text in one place."""
    line = " ".join(text.split())  # what Gherkin leaves of a title
    given = {name: f"the ordinary {name}" for name in (*PLACES, *SEEN)}
    given |= {place: text if place in (*SEEN, "cause description") else line}
    cause = written(given)
    bound = examples.runbook(
        cause, title=given["title"], description=f"Meaning: {given['meaning']}\nEscalation: call."
    )
    drills = [
        examples.drill(bound=cause, observed=given["observed"], workload=(given["notes"],)),
        examples.drill(bound=cause, days=-1, partial=True, reason=given["reason"]),
        examples.drill(
            bound=cause, days=-2, verdict=Verdict.FAILED, observed=given["observed"], reason="x"
        ),
        examples.healthy(),
    ]
    return render.page(
        bound,
        drills=by_key(drills),
        hashes=dict.fromkeys(("oom", "all"), "0" * 64),
        rules={"AppDown": examples.rule()},
        production={},
        proof_days=31,
    )


def written(given: dict[str, str]) -> BoundCause:
    detection, diagnosis, *rest = examples.phases()
    first, *others = diagnosis.steps
    steps = (
        dataclasses.replace(first, step=dataclasses.replace(first.step, text=given["step"])),
        *others,
    )
    told = dataclasses.replace(
        diagnosis.scenario, name=given["scenario"], steps=tuple(one.step for one in steps)
    )
    return examples.cause(
        name=given["cause"],
        description=given["cause description"],
        scenarios=(detection, BoundScenario(scenario=told, steps=steps), *rest),
        fault=dataclasses.replace(examples.FAULT, title=given["fault"]),
        load=Workload((dataclasses.replace(examples.component(), title=given["workload"]),)),
    )


def ordinary(text: str) -> str:
    """A text of as many lines that means nothing to anybody."""
    kept = visible(text).split("\n")
    return "\n".join("x" * len(line) if line.strip() else "" for line in kept)


def front_matter(text: str) -> Any:
    _, front, _ = text.split("---\n", 2)
    return yaml.safe_load(front)


def tokens(text: str) -> Iterator[Token]:
    _, _, body = text.split("---\n", 2)
    for token in PARSER.parse(body):
        yield token
        yield from token.children or ()


def shape(text: str) -> list[tuple[str, str, str]]:
    """What Markdown makes of a page, without its words: blocks, HTML, links, pictures."""
    plain = {"text", "code_inline", "softbreak", "inline", "text_special"}
    found = []
    for token in tokens(text):
        if token.type in plain:
            continue
        html = token.content if token.type.startswith("html") else ""
        target = str(token.attrs.get("href", token.attrs.get("src", "")))
        found.append((token.type, html, target))
    return found


@pytest.mark.parametrize("place", [*PLACES, *SEEN])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_words_and_nothing_else(name: str, place: str) -> None:
    text = page(place, HOSTILE[name])
    plain = page(place, ordinary(HOSTILE[name]))
    assert shape(text) == shape(plain)
    assert [*front_matter(text)] == [*front_matter(plain)]
    assert front_matter(text)["state"] == front_matter(plain)["state"]
    # Site generators expand these even inside of code; terminals act on those.
    assert not re.search(r"\{\{|\{%|\{#", text.split("---\n", 2)[2])
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)


@pytest.mark.parametrize("name", ["template", "script", "variable", "link"])
def test_it_is_printed(name: str) -> None:
    """Not removed: what was seen is evidence."""
    shown = "".join(t.content for t in tokens(page("observed", HOSTILE[name])))
    assert HOSTILE[name].replace("{{", "{ {").replace("{%", "{ %").replace("{#", "{ #") in shown


def test_the_check_can_fail() -> None:
    text = page("cause", "harmless")
    for hostile in ("<b>", "[x](javascript:y)", "\n# heading\n", "\n```\n"):
        assert shape(text.replace("harmless", hostile)) != shape(text)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_diagram_s_label_cannot_end_its_quotes(name: str) -> None:
    label = markdown.mermaid(HOSTILE[name])
    assert not set(label) & set('"<>[]{}|`\n\x1b')
