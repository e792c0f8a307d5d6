"""The page: its order, its commands, and that nothing a drill saw can change its structure."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import runbook_examples as examples
import yaml

from drillbook.evidence.accept import by_key
from drillbook.evidence.records import Drill
from drillbook.model import BoundRunbook, Phase, Verdict
from drillbook.model.errors import RunbookProblem
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
HOSTILE = (
    "\x1b[31m```\n~~~\n# Heading\n---\n<a id='x'></a><script>\n| a | b |\n|---|---|\n"
    "`tick` **bold** [link](http://h) {{ x }} {% raw %} ````````"
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


def test_each_cause_has_its_four_phases_in_order() -> None:
    causes = page(*GOOD)[page(*GOOD).index("## Cause:") :]
    found = [line for line in outside_fences(causes) if line.startswith("### ")]
    four = ["### Detection", "### Diagnosis", "### Remediation", "### Prevention"]
    assert found[:8] == four + four


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


def test_a_title_with_quotes_and_colons_stays_yaml() -> None:
    title = 'It: says "no" # {{ x }}'
    text = page(bound=examples.runbook(title=title))
    assert yaml.safe_load(text.split("---\n")[1])["title"] == title


def test_a_proven_page_says_when_where_and_how_fast() -> None:
    assert (
        "- [It runs out of memory](#cause-oom): verified on 2026-11-20 at commit abc1234 on "
        "staging, valid until 2026-12-21: detected in 49 s, recovered in 1 min 17 s. "
        "None of its 2 controls falsified it."
    ) in page(*GOOD)


def test_a_page_without_records_says_so_everywhere() -> None:
    text = page()
    assert "**NOT PROVEN.**" in text
    assert text.count("NEVER RUN: no accepted drill") == 2
    assert "No drill of this page was accepted yet." in text
    assert "- Not yet drilled." in text
    assert yaml.safe_load(text.split("---\n")[1])["state"] == "never-run"
    assert "2026" not in text


def test_a_changed_page_says_stale() -> None:
    text = page(examples.drill(hash="1" * 64), *GOOD[1:])
    assert "**STALE.**" in text
    assert "STALE: last proven on 2026-11-20 at commit abc1234 on staging" in text
    assert yaml.safe_load(text.split("---\n")[1])["valid_until"] is None


def test_a_failing_page_names_the_step() -> None:
    failed = examples.drill(
        phase_verdicts={Phase.DIAGNOSIS: Verdict.FAILED}, verdict=Verdict.FAILED
    )
    text = page(failed, *GOOD[1:])
    assert "**FAILING.**" in text
    assert 'its diagnosis did not hold: "orders" was last terminated' in text
    assert "did not see what was expected, but: `OOMKilled`" in text


def test_a_dirty_commit_is_called_one() -> None:
    assert "at commit abc1234 with uncommitted changes on" in page(
        examples.drill(commit="abc1234def56+dirty"), *GOOD[1:]
    )


def test_states_by_cause() -> None:
    assert render.states(examples.runbook(), by_key(GOOD[1:]), HASHES) == {
        "oom": "never-run",
        "config": "verified",
    }


def test_a_page_is_the_same_whenever_it_is_made() -> None:
    assert page(*GOOD) == page(*GOOD)


def test_the_description_s_lines_have_their_places() -> None:
    text = page()
    assert "- What is normal: It completes a batch every few seconds, day and night." in text
    assert "- Not this page, if: The driver runs but no executor comes up." in text
    escalate = text.split("## Escalate")[1]
    assert "After 15 minutes without progress call the owner" in escalate
    assert "within 15 min of its beginning" in escalate


def test_names_of_the_drill_become_variables_in_sentences() -> None:
    assert "The limit of `$APP` is raised to 3Gi." in page()
    assert '"orders"' not in page().split("## History")[0]


def test_a_step_shows_its_command_expectation_and_evidence() -> None:
    text = page(*GOOD)
    assert "- Expect: exactly `oom` in the field `cause`" in text
    assert "- The drill of 2026-11-20 saw: `OOMKilled`" in text
    assert "- The drill of 2026-11-20 saw (outcome: absorbed, it went in and did no harm): " in text
    assert "There is nothing to do for you: the remediation also prevents it." in text


def test_where_to_go_when_something_else_is_seen() -> None:
    text = page()
    assert "it is another cause; go to [Its configuration is refused](#cause-config)." in text
    anchors = {*re.findall(r'<a id="([^"]+)"', text)}
    anchors |= {
        re.sub(r"[^a-z0-9 -]", "", h.lstrip("# ").lower()).replace(" ", "-") for h in headings(text)
    }
    assert {target for target in re.findall(r"\]\(#([^)]+)\)", text)} <= anchors


def test_the_command_that_every_diagnosis_runs_comes_first() -> None:
    which = page().split("## Which cause is it")[1].split("## Cause")[0]
    assert "- exactly `config` in the field `cause`: go to [Its configuration" in which
    assert which.count("in the field `cause`") == 2
    assert 'Run it first:\n\n```bash\npython3 scripts/app/diagnose.py --json "$APP"\n```' in which
    alone = page(bound=examples.runbook(examples.cause()))
    assert "Run it first" not in alone
    assert "Expect exactly `oom` in the field `cause`." in alone


def test_the_diagram_asks_the_causes_in_turn() -> None:
    (diagram,) = re.findall(r"```mermaid\n(.*?)\n```", page(), re.S)
    assert 'q1{"The last termination says out of memory?"} -- yes --> c1[' in diagram
    assert "q1 -- no --> q2" in diagram
    assert "q2 -- no --> escalate" in diagram


def test_risk_rollback_and_what_cannot_be_undone() -> None:
    text = page()
    assert "- Risk: **changes**; what takes it back is folded away below." in text
    # Folded: whoever runs the blocks one after the other must not undo the fix.
    assert (
        "<details>\n<summary>To take it back, only if it did harm (no drill has run this line)"
        '</summary>\n\n```bash\nkubectl --context "$CONTEXT"'
    ) in text
    destroys = page(bound=examples.runbook(examples.with_advice()))
    assert "- Risk: **destroys**; it cannot be undone." in destroys
    assert "nothing to do for you" not in destroys
    plain = replace(examples.RAISE, rollback=None, reads=(), note="")
    bare = page(bound=examples.changed(examples.runbook(), 3, plain))
    assert "- Risk: **changes**; no line takes it back." in bare
    assert "- [ ] Agree on a quota. This is for a person to do; no drill proves it." in destroys


def test_a_change_shows_the_present_value_and_how_to_choose_before_its_line() -> None:
    text = page()
    order = (
        "The pod restarts.",
        "Fill in, between the quotes: three times the old one.",
        "export LIMIT_NEW=''",
        'export LIMIT_BEFORE="$(kubectl',
        'echo LIMIT_BEFORE="${LIMIT_BEFORE:?is empty}" LIMIT_NEW="${LIMIT_NEW:?is empty}"',
        '--limits=memory="${LIMIT_NEW:?run the lines above}" && export CHANGED_AT="$(date +%s)"',
        '--limits=memory="${LIMIT_BEFORE:?run the lines above}" && export CHANGED_AT=',
    )
    places = [text.index(words) for words in order]
    assert places == sorted(places)
    assert "memory=3Gi" not in text


def test_times_that_were_not_reached_are_said_to_be() -> None:
    times = examples.TIMES.model_copy(update={"t5": None, "t7": None, "t8": None})
    text = page(examples.drill(times=times, verdict=Verdict.FAILED), *GOOD[1:])
    assert "the application did not come back, and the alert did not become silent." in text
    assert "after 40 s, the alert was there after 49 s. What is not named was not" in text
    untouched = times.model_copy(update={"t6": None})
    text = page(examples.drill(times=untouched, verdict=Verdict.FAILED), *GOOD[1:])
    assert "in the drill of 2026-11-20 nothing was changed." in text
    assert "no data after" not in text
    reached = page(*GOOD)
    assert "was back 25 s after the first change, and the alert was silent 30 s after" in reached
    assert "What is not named" not in reached


@pytest.mark.parametrize(
    ("drills", "words"),
    [
        (GOOD[::2], "Its one control did not falsify it."),
        (GOOD, "None of its 2 controls falsified it."),
        ((GOOD[0], GOOD[1], examples.healthy(held=True)), "1 of its 2 controls falsified it."),
        ((GOOD[0], examples.healthy(held=True)), "Its one control falsified it."),
    ],
)
def test_controls_are_counted_in_words(drills: Sequence[Drill], words: str) -> None:
    oom = next(line for line in page(*drills).splitlines() if line.startswith("- [It runs out"))
    assert words in oom


def test_a_reinjection_is_the_drill_s_and_not_the_responder_s() -> None:
    text = page(*GOOD)
    assert "**Not for you:** here the drill puts the fault in again" in text
    assert "puts it in once more" in text.split("## How this is drilled")[1]


def test_production_s_for_is_compared_in_words() -> None:
    text = page(*GOOD, production_s=120)
    assert "true for 2 min; in the drills, as soon as this is true." in text
    assert "`for` is 2 min longer than in the drill: expect it after 2 min 49 s." in text
    assert "longer than in the drill" not in page(*GOOD)


def test_how_it_is_drilled() -> None:
    text = page(*GOOD).split("## How this is drilled")[1]
    assert '- patches `ConfigMap/"$APP"-conf` with `{"data": {"allocate-mb": "1200"}}`' in text
    assert "get events" in text
    assert (
        "- Controls: its diagnosis, asked of the incident `config` (2026-11-20), of a healthy "
        "system (2026-11-20), did not hold, which is right."
    ) in text
    held = page(*GOOD[:2], examples.healthy(held=True))
    assert "asked of a healthy system (2026-11-20), HELD, which falsifies it." in held
    assert 'late: The alert "AppDown" fires within 90s.' in text
    assert f"the hash `{'0' * 16}`" in text


def test_a_record_of_other_words_is_not_passed_off_as_this_step_s() -> None:
    bound = examples.runbook()
    first = bound.causes[0].scenarios[1].steps[0]
    reworded = replace(first, step=replace(first.step, text="other words"))
    scenario = replace(bound.causes[0].scenarios[1], steps=(reworded,))
    cause = replace(
        bound.causes[0],
        scenarios=(bound.causes[0].scenarios[0], scenario, *bound.causes[0].scenarios[2:]),
    )
    text = page(*GOOD, bound=examples.runbook(cause, bound.causes[1]))
    assert "Not yet drilled in these words (the drill of 2026-11-20 had others)." in text


@pytest.fixture(params=["bare", "proven", "advice"])
def any_page(request: pytest.FixtureRequest) -> str:
    pages = {
        "bare": page(),
        "proven": page(*GOOD),
        "advice": page(bound=examples.runbook(examples.with_advice())),
    }
    return pages[request.param]


def test_every_command_is_a_command_to_bash(any_page: str) -> None:
    blocks = bash_blocks(any_page)
    assert len(blocks) >= 8
    for block in blocks:
        # An interactive zsh, the shell of macOS, takes a comment for a command.
        assert not re.search(r"^\s*#|\s#\s", block, re.M)
        for name in filter(shutil.which, ("bash", "zsh")):
            done = subprocess.run(
                [name, "-n"], input=block, capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stderr) == (0, ""), block


def test_every_variable_is_exported_before_it_is_used(any_page: str) -> None:
    known: set[str] = set()
    for block in bash_blocks(any_page):
        for line in block.splitlines():
            used = set(re.findall(r"\$\{?([A-Za-z_]\w*)", line))
            assert used <= known, line
            known |= set(re.findall(r"^export (\w+)=", line))
    assert "APP" in known


def test_commands_have_no_prompt_and_no_placeholder(any_page: str) -> None:
    for block in bash_blocks(any_page):
        assert not re.search(r"^\s*\$ ", block, re.M)
        assert not re.search(r"<\w[\w -]*>", block)


def test_a_variable_that_nothing_finds_is_a_problem() -> None:
    action = replace(
        examples.RAISE, command=examples.command("kubectl", "drain", examples.Var("X"))
    )
    with pytest.raises(RunbookProblem, match="its commands use X"):
        page(bound=examples.changed(examples.runbook(), 3, action))


def hostile() -> Sequence[Drill]:
    return (
        examples.drill(observed=HOSTILE, questions=(examples.question("config"),)),
        examples.drill("config", observed=HOSTILE, questions=(examples.question("oom"),)),
        examples.healthy(),
        examples.drill(days=-1, partial=True, reason=HOSTILE),
    )


def test_a_log_line_changes_no_heading_table_or_block() -> None:
    benign = page(*GOOD, examples.drill(days=-1, partial=True, reason="x"))
    text = page(*hostile())
    assert headings(text) == headings(benign)
    assert bash_blocks(text) == bash_blocks(benign)
    tables = [
        [line.count("|") - line.count(r"\|") for line in outside_fences(t) if line[:1] == "|"]
        for t in (text, benign)
    ]
    assert tables[0] == tables[1]


def test_a_log_line_brings_no_html_terminal_code_or_template_in() -> None:
    text = page(*hostile())
    assert "\x1b" not in text
    assert "{{" not in text
    assert "{%" not in text
    assert not any("<script" in line for line in outside_fences(text))


def test_a_description_changes_no_structure() -> None:
    text = f"Meaning: {HOSTILE}\nEscalation: <b>\n# Heading"
    cause = examples.cause(description=HOSTILE, name="A | `b` <c>")
    found = page(bound=examples.runbook(cause, description=text))
    shape = [h for h in headings(found) if not h.startswith(("## Cause", "### Fault"))]
    plain = [
        h
        for h in headings(page(bound=examples.runbook(examples.cause())))
        if not h.startswith(("## Cause", "### Fault"))
    ]
    assert shape == plain


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


def test_words_may_change_where_nothing_that_counts_did() -> None:
    """The same hash: what the drill saw stands beside the same step, whatever it is called now."""
    bound = examples.runbook()
    reworded = examples.runbook(
        examples.cause("oom", scenarios=examples.phases("oom", "other words")),
        examples.cause("config", "Its configuration is refused"),
    )
    before, after = (page(*GOOD, bound=one) for one in (bound, reworded))
    assert "other words" in after
    assert after.count("Not yet drilled") == before.count("Not yet drilled")


def test_what_the_line_printed_is_shown_instead_of_what_the_library_read() -> None:
    seen = GOOD[0].scenarios[1].steps[0].model_copy(update={"printed": "OOMKilled by hand"})
    scenario = GOOD[0].scenarios[1].model_copy(update={"steps": (seen,)})
    scenarios = (GOOD[0].scenarios[0], scenario, *GOOD[0].scenarios[2:])
    drill = GOOD[0].model_copy(update={"scenarios": scenarios})
    assert "it printed: `OOMKilled by hand`" in page(drill, *GOOD[1:])


def test_a_value_that_the_drill_filled_in_is_in_no_sentence_either() -> None:
    bound = examples.runbook()
    step = replace(bound.causes[0].scenarios[2].steps[0].step, text='the limit is set to "3Gi"')
    assert '"3Gi"' not in page(bound=examples.reworded(bound, 3, step))
    assert "**Change:** The limit is set to `$LIMIT_NEW`." in page(
        bound=examples.reworded(bound, 3, step)
    )


def test_a_moment_is_expected_in_words() -> None:
    source = Moment(metric="last_batch", labels=(), of="last batch")
    probe = examples.probe(source=source, expect=after_last_change())
    text = page(bound=examples.changed(examples.runbook(), 1, probe))
    assert "Expect: the last batch is fewer seconds ago than your last change" in text
