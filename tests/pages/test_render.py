"""The page: its order, its commands, and that nothing a drill saw can change its structure."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import runbook_examples as examples
import yaml

from drillbook.evidence.accept import by_key
from drillbook.evidence.records import Drill
from drillbook.model import BoundRunbook, Phase, Verdict
from drillbook.model.matchers import after_last_change
from drillbook.pages import render
from drillbook.sources import Moment

HASHES = {cause: "0" * 64 for cause in ("oom", "config", "all")}
RULES = {"AppDown": examples.rule()}
GOOD = (
    examples.drill(questions=(examples.question("config"),)),
    examples.drill("config", questions=(examples.question("oom"),)),
    examples.healthy(),
)


def page(*drills: Drill, bound: BoundRunbook | None = None, production_s: float = 0.0) -> str:
    return render.page(
        bound or examples.runbook(),
        drills=by_key(drills),
        hashes=HASHES,
        rules=RULES,
        production={"AppDown": examples.rule(for_s=production_s)},
        proof_days=31,
    )


def outside_fences(text: str) -> list[str]:
    """The lines that Markdown reads as markup, by the rules of fenced blocks."""
    lines, fence = [], ""
    for line in text.splitlines():
        ticks = re.match(r"`{3,}", line)
        if fence:
            fence = (
                "" if ticks and line.strip() == ticks[0] and len(ticks[0]) >= len(fence) else fence
            )
        elif ticks:
            fence = ticks[0]
        else:
            lines.append(line)
    assert not fence
    return lines


def headings(text: str) -> list[str]:
    body = text.split("\n---\n", 1)[1]
    return [line for line in outside_fences(body) if line.startswith("#")]


def bash_blocks(text: str) -> list[str]:
    return re.findall(r"^```bash\n(.*?)\n```$", text, re.S | re.M)


def test_the_sections_come_in_their_order() -> None:
    found = [line.removeprefix("## ") for line in headings(page(*GOOD)) if line[:3] == "## "]
    assert found == [
        "First 60 seconds",
        "Set your variables",
        "Which cause is it",
        "Cause: It runs out of memory",
        "Cause: Its configuration is refused",
        "Verify",
        "Escalate",
        "How this is drilled",
        "History",
    ]
    causes = page(*GOOD)[page(*GOOD).index("## Cause:") :]
    found = [line for line in outside_fences(causes) if line.startswith("### ")]
    four = ["### Detection", "### Diagnosis", "### Remediation", "### Prevention"]
    assert found[:8] == four + four


def timed(**times: Any) -> Drill:
    """A failed drill with other times."""
    found = examples.TIMES.model_copy(update=times)
    return examples.drill(times=found, verdict=Verdict.FAILED)


def of_other_steps() -> BoundRunbook:
    bound = examples.reworded(examples.runbook(), 1, "other words")
    cause, other = bound.causes
    first, second, *rest = cause.scenarios
    scenarios = (first, replace(second, steps=second.steps[:1]), *rest)
    return examples.runbook(replace(cause, scenarios=scenarios), other)


def printed(text: str) -> Drill:
    """A drill whose third step's line printed that."""
    first, second, *others = GOOD[0].scenarios
    step = second.steps[0].model_copy(update={"printed": text})
    scenarios = (first, second.model_copy(update={"steps": (step,)}), *others)
    return GOOD[0].model_copy(update={"scenarios": scenarios})


def of_a_moment() -> BoundRunbook:
    source = Moment(metric="last_batch", labels=(), of="last batch")
    probe = examples.probe(source=source, expect=after_last_change())
    return examples.changed(examples.runbook(), 1, probe)


NEVER_BACK = {"t5": None, "t7": None, "t8": None}
ADVICE = examples.runbook(examples.with_advice())
BARE = replace(examples.RAISE, rollback=None, reads=(), note="")
PAGES = {
    "bare": page(),
    "proven": page(*GOOD),
    "stale": page(examples.drill(hash="1" * 64), *GOOD[1:]),
    "failing": page(examples.failed_in(Phase.DIAGNOSIS), *GOOD[1:]),
    "dirty": page(examples.drill(commit="abc1234def56+dirty"), *GOOD[1:]),
    "never back": page(timed(**NEVER_BACK), *GOOD[1:]),
    "untouched": page(timed(**NEVER_BACK, t6=None), *GOOD[1:]),
    "advice": page(bound=ADVICE),
    "no rollback": page(bound=examples.changed(examples.runbook(), 3, BARE)),
    "alone": page(bound=examples.runbook(examples.cause())),
    "held": page(*GOOD[:2], examples.healthy(held=True)),
    "one control": page(*GOOD[::2]),
    "one that held": page(GOOD[0], examples.healthy(held=True)),
    "slower production": page(*GOOD, production_s=120),
    "other words": page(*GOOD, bound=of_other_steps()),
    "printed": page(printed("OOMKilled by hand"), *GOOD[1:]),
    "filled in": page(bound=examples.reworded(examples.runbook(), 3, 'the limit is set to "3Gi"')),
    "moment": page(bound=of_a_moment()),
}
SAYS = [
    # What was proven: when, where and how fast; or that it was not.
    ("proven", "verified on 2026-11-20 at commit abc1234 on staging, valid until 2026-12-21: "),
    ("proven", "detected in 49 s, recovered in 1 min 17 s. None of its 2 controls falsified it."),
    ("bare", "**NOT PROVEN.**"),
    ("bare", "NEVER RUN: no accepted drill"),
    ("bare", "No drill of this page was accepted yet."),
    ("bare", "- Not yet drilled."),
    ("stale", "**STALE.**"),
    ("stale", "STALE: last proven on 2026-11-20 at commit abc1234 on staging"),
    ("failing", "**FAILING.**"),
    ("failing", 'its diagnosis did not hold: "orders" was last terminated'),
    ("failing", "did not see what was expected, but: `OOMKilled`"),
    ("dirty", "at commit abc1234 with uncommitted changes on"),
    ("one control", "Its one control did not falsify it."),
    ("held", "1 of its 2 controls falsified it."),
    ("one that held", "Its one control falsified it."),
    # What a responder reads.
    ("bare", "- What is normal: It completes a batch every few seconds, day and night."),
    ("bare", "- Not this page, if: The driver runs but no executor comes up."),
    ("bare", "After 15 minutes without progress call the owner"),
    ("bare", "within 15 min of its beginning"),
    ("bare", "The limit of `$APP` is raised to 3Gi."),
    ("bare", "it is another cause; go to [Its configuration is refused](#cause-config)."),
    ("bare", "It only reads:\n\n```bash\ndrillbook diagnose RB-APP-001\n```"),
    ("alone", "Expect exactly `oom` in the field `cause`."),
    ("bare", 'q1{"The last termination says out of memory?"} -- yes --> c1['),
    ("bare", "q1 -- no --> q2"),
    ("bare", "q2 -- no --> escalate"),
    ("moment", "Expect: the last batch is fewer seconds ago than your last change"),
    ("filled in", "**Change:** The limit is set to `$LIMIT_NEW`."),
    # What a change does; what takes it back is folded, so that nobody undoes the fix by the way.
    ("bare", "- Risk: **changes**; what takes it back is folded away below."),
    (
        "bare",
        "<summary>To take it back, only if it did harm (no drill has run this line)</summary>",
    ),
    ("advice", "- Risk: **destroys**; it cannot be undone."),
    ("advice", "- [ ] Agree on a quota. This is for a person to do; no drill proves it."),
    ("no rollback", "- Risk: **changes**; no line takes it back."),
    # What the drill saw.
    ("proven", "- Expect: exactly `oom` in the field `cause`"),
    ("proven", "- The drill of 2026-11-20 saw: `OOMKilled`"),
    ("proven", "saw (outcome: absorbed, it went in and did no harm): "),
    ("proven", "There is nothing to do for you: the remediation also prevents it."),
    ("proven", "**Not for you:** here the drill puts the fault in again"),
    ("proven", "was back 25 s after the first change, and the alert was silent 30 s after"),
    ("never back", "the application did not come back, and the alert did not become silent."),
    ("never back", "after 40 s, the alert was there after 49 s. What is not named was not"),
    ("untouched", "in the drill of 2026-11-20 nothing was changed."),
    ("other words", "Not yet drilled in these words (the drill of 2026-11-20 had others)."),
    ("printed", "it printed: `OOMKilled by hand`"),
    # How it is drilled.
    ("slower production", "true for 2 min; in the drills, as soon as this is true."),
    ("slower production", "longer than in the drill: expect it after 2 min 49 s."),
    ("proven", '- patches `ConfigMap/"$APP"-conf` with `{"data": {"allocate-mb": "1200"}}`'),
    ("proven", "- Controls: its diagnosis, asked of the incident `config` (2026-11-20), of a hea"),
    ("proven", 'late: The alert "AppDown" fires within 90s.'),
    ("proven", f"the hash `{'0' * 16}`"),
    ("held", "asked of a healthy system (2026-11-20), HELD, which falsifies it."),
]
SAYS_NOT = [
    ("bare", "2026"),
    ("advice", "nothing to do for you"),
    ("untouched", "no data after"),
    ("proven", "What is not named"),
    ("proven", "longer than in the drill"),
    ("filled in", '"3Gi"'),
]


def test_a_page_says_what_is_known_and_no_more() -> None:
    assert [(name, words) for name, words in SAYS if words not in PAGES[name]] == []
    assert [(name, words) for name, words in SAYS_NOT if words in PAGES[name]] == []
    assert '"orders"' not in PAGES["bare"].split("## History")[0]
    states = {name: yaml.safe_load(text.split("---\n")[1]) for name, text in PAGES.items()}
    assert (states["bare"]["state"], states["stale"]["valid_until"]) == ("never-run", None)
    found = render.states(examples.runbook(), by_key(GOOD[1:]), HASHES)
    assert found == {"oom": "never-run", "config": "verified"}


def test_words_may_change_where_nothing_that_counts_did() -> None:
    """The same hash: what the drill saw stands beside the same step, whatever it is called now."""
    scenarios = examples.phases("oom", "other words")
    other = examples.cause("config", "Its configuration is refused")
    after = page(*GOOD, bound=examples.runbook(examples.cause("oom", scenarios=scenarios), other))
    assert "other words" in after
    assert after.count("Not yet drilled") == PAGES["proven"].count("Not yet drilled")


def test_an_operation_s_page_is_about_a_plan() -> None:
    (bound, drill) = (examples.operation(examples.cause()), examples.drill(times=examples.PLANNED))
    text = page(drill, bound=bound)
    found = [line for line in headings(text) if line.startswith("##")]
    assert found[2:8] == [
        *("### When a command fails", "## When to do it", "## Need: It runs out of memory"),
        *("### Is it needed", "### What would it do", "### Do it"),
    ]
    assert "From its beginning on: all was checked after 11 s, it was done after 36 s." in text
    assert "it was done 25 s after the first change." in text
    assert "from its beginning to its end, the newest first: 36 s" in text
    told = text[text.index("## When to do it") : text.index("```mermaid")]
    assert "the alert" in told.lower(), "its detection's check stands there too"
    for words in ("no data", "recovered in", "your alert", "cause-is-it", "alert fired"):
        assert words not in text.split("### Fault")[0].split("## Cause")[0], words


@pytest.mark.parametrize("text", [PAGES["bare"], page(bound=examples.operation())])
def test_every_link_within_a_page_leads_somewhere(text: str) -> None:
    anchors = {*re.findall(r'<a id="([^"]+)"', text)}
    anchors |= {
        re.sub(r"[^a-z0-9 -]", "", h.lstrip("# ").lower()).replace(" ", "-") for h in headings(text)
    }
    assert {target for target in re.findall(r"\]\(#([^)]+)\)", text)} <= anchors


def test_the_front_matter_is_yaml() -> None:
    front = yaml.safe_load(page(*GOOD).split("---\n")[1])
    assert front == {
        "id": "RB-APP-001",
        "title": "Application down",
        "alerts": ["AppDown"],
        "owner": "data-platform",
        "severity": "P1",
        "version": "1.0.0",
        "approver": None,
        "state": "verified",
        "last_drill": {
            "time": "2026-11-20T03:04:05Z",
            "cause": "oom",
            "commit": "abc1234def56",
            "cluster": "staging",
            "verdict": "PASSED",
            "ttd_s": 49.0,
            "ttr_s": 77.0,
        },
        "valid_until": "2026-12-21",
        "source": "features/app/app-down.feature",
    }
    title = 'It: says "no" # {{ x }}'
    text = page(bound=examples.runbook(title=title))
    assert yaml.safe_load(text.split("---\n")[1])["title"] == title


def test_a_change_shows_the_present_value_and_how_to_choose_before_its_line() -> None:
    text = page()
    order = (
        "The pod restarts.",
        "Fill in, between the quotes: three times the old one.",
        "export LIMIT_NEW=''",
        'LIMIT_BEFORE="$(kubectl',
        'echo LIMIT_BEFORE="${LIMIT_BEFORE:?is empty}" LIMIT_NEW="${LIMIT_NEW:?is empty}"',
        '--limits=memory="${LIMIT_NEW:?run the lines above}" && export CHANGED_AT="$(date +%s)"',
        '--limits=memory="${LIMIT_BEFORE:?run the lines above}" && export CHANGED_AT=',
    )
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "memory=3Gi" not in text


@pytest.mark.parametrize("name", ["bare", "proven", "advice"])
def test_every_command_is_a_command_to_bash(name: str) -> None:
    blocks = bash_blocks(PAGES[name])
    assert len(blocks) >= 8
    for block in blocks:
        # An interactive zsh, the shell of macOS, takes a comment for a command.
        assert not re.search(r"^\s*#|\s#\s", block, re.M)
        assert not re.search(r"^\s*\$ |<\w[\w -]*>", block, re.M), "a prompt or a placeholder"
        for name in filter(shutil.which, ("bash", "zsh")):
            done = subprocess.run(
                [name, "-n"], input=block, capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stderr) == (0, ""), block


@pytest.mark.parametrize("name", ["bare", "proven", "advice"])
def test_every_variable_is_exported_before_it_is_used(name: str) -> None:
    known: set[str] = set()
    for block in bash_blocks(PAGES[name]):
        for line in block.splitlines():
            used = set(re.findall(r"\$\{?([A-Za-z_]\w*)", line))
            assert used <= known, line
            known |= set(re.findall(r"^(?:export )?(\w+)=", line))
    assert "APP" in known


def test_a_page_with_much_to_say_stays_small() -> None:
    long = "\n".join("x" * 500 for _ in range(500))
    drills = [
        examples.drill(c, observed=long, days=-n, reason=long)
        for c in ("oom", "config")
        for n in range(200)
    ]
    assert len(page(*drills, examples.healthy()).encode()) < 150_000


def test_production_s_rules_are_read_when_there_are_any(tmp_path: Path) -> None:
    assert render.production_rules(tmp_path) == {}
    for folder in ("alerts", "values"):
        (tmp_path / "monitoring" / folder).mkdir(parents=True)
    (tmp_path / "monitoring/values/production.yaml").write_text("for:\n  AppDown: 2m\n")
    (tmp_path / "monitoring/alerts/app.yaml").write_text(
        "groups:\n  - name: app\n    rules:\n      - alert: AppDown\n        expr: up == 0\n"
        "        annotations: {runbook_url: runbooks/app/app-down.md}\n"
    )
    assert render.production_rules(tmp_path)["AppDown"].for_s == 120
