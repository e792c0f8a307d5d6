"""The reader: what a runbook's text means, and what is none."""

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from drillbook.book import reader
from drillbook.book.prose import sections
from drillbook.model import Phase, Runbook, Tag
from drillbook.model.errors import UsageError

PATH = PurePosixPath("features/shop/no-orders.feature")

TEXT = """\
@id:RB-SHOP-001 @owner:a:b
@alert:One @alert:Two
Feature: No orders
  Meaning: customers cannot buy.
    Indented further.

  Impact: no money.
  # a comment is not prose

  Background:
    Given a shop

  @cause:no-database
  Rule: The database is gone
    It was stopped.

    Background:
      Given no database
      * another thing

    # a comment is not a step
    @detection
    Scenario: The alert fires
      Then the alert fires
      And it says:
        \"\"\"
        two
          lines
        \"\"\"
      But not:
        | a | b \\| c |
        | d |       |

  Rule: The disk is full
    @diagnosis @remediation
    Scenario: Both
      When it is tidied
"""


def parsed(text: str) -> Runbook:
    return reader.parse(text, PATH)


def complaint(text: str) -> str:
    with pytest.raises(reader.MalformedFeature) as caught:
        parsed(text)
    said = str(caught.value)
    assert ("#EOF" in said, "expected:" in said) == (False, False), "the parser's language"
    return said


def test_a_runbook_is_read_with_its_tags_descriptions_and_backgrounds() -> None:
    runbook = parsed(TEXT)
    assert runbook.tags[:2] == (
        Tag(name="id", value="RB-SHOP-001", line=1),
        Tag(name="owner", value="a:b", line=1),
    )
    assert runbook.alerts == ("One", "Two")
    assert (runbook.title, runbook.line, runbook.path) == ("No orders", 3, PATH)
    assert runbook.page == PurePosixPath("runbooks/shop/no-orders.md")
    assert runbook.description == (
        "Meaning: customers cannot buy.\n  Indented further.\n\nImpact: no money."
    )
    assert runbook.causes[0].description == "It was stopped."
    assert [step.text for step in runbook.background] == ["a shop"]
    assert [(s.keyword, s.text) for s in runbook.causes[0].background] == [
        ("given", "no database"),
        ("given", "another thing"),
    ]
    assert runbook.causes[1].background == ()


def test_steps_have_their_keyword_their_line_and_what_stands_below_them() -> None:
    first, second = parsed(TEXT).causes
    (scenario,) = first.scenarios
    assert [(step.keyword, step.line) for step in scenario.steps] == [
        *(("then", 24), ("then", 25), ("then", 30))
    ]
    plain, quoted, table = scenario.steps
    assert (plain.doc_string, plain.table) == (None, None)
    assert quoted.doc_string == "two\n  lines"
    assert table.table == (("a", "b | c"), ("d", ""))
    assert (scenario.phase, second.scenarios[0].phase) == (Phase.DETECTION, None)
    assert second.scenarios[0].phases == (Phase.DIAGNOSIS, Phase.REMEDIATION)


def test_other_languages_mean_the_same() -> None:
    text = "# language: ru\nФункция: f\n  Значение: a\n    Impact: b\n"
    assert sections(parsed(text).description) == {"": "", "Meaning": "a", "Impact": "b"}
    text = "# language: de\nFunktionalität: f\n  Szenario: s\n    Wenn a\n    Und b\n    Dann c\n"
    steps = parsed(text).causes[0].scenarios[0].steps
    assert [step.keyword for step in steps] == ["when", "when", "then"]


SCENARIO = "  Scenario: s\n    Then x\n"


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (f"Feature: f\n{SCENARIO}", ["runbook"]),
        (f"@cause:mine\nFeature: f\n{SCENARIO}", ["mine"]),
        (f"Feature: f\n  Rule: r\n{SCENARIO}", ["runbook"]),
        (f"@cause:mine\nFeature: f\n  Rule: r\n{SCENARIO}", ["mine"]),
        (f"@cause:mine\nFeature: f\n  @cause:own\n  Rule: r\n{SCENARIO}", ["own"]),
        (f"Feature: f\n{SCENARIO}  Rule: r\n{SCENARIO}", ["runbook", ""]),
        ("Feature: f\n", ["runbook"]),
    ],
)
def test_what_a_cause_is_called(text: str, ids: list[str]) -> None:
    assert [cause.id for cause in parsed(text).causes] == ids


@pytest.mark.parametrize(
    ("title", "is_outline"),
    [
        ("Scenario: s\n    Then x\n", False),
        ("Scenario Outline: s\n    Then x\n", True),
        ("Scenario Template: s\n    Then x\n", True),
        ("Scenario: s\n    Then x <a>\n    Examples:\n    | a |\n    | 1 |\n", True),
        ("Example: s\n    Then x\n", False),
    ],
)
def test_outlines_are_marked_for_lint(title: str, is_outline: bool) -> None:
    assert parsed(f"Feature: f\n  {title}").causes[0].scenarios[0].is_outline is is_outline


HEAD = "@id:x\nFeature: f\n"
ONE = HEAD + "Scenario: a\n  Given x\n"


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("", 1, "the file holds no Feature"),
        ("hello\n", 1, "'hello' stands where the Feature should begin"),
        (ONE + "<<<<<<< HEAD\n", 5, "a merge was not finished"),
        ("# language: ru\nФункция: f\n  Сценрий: x\n", 2, "Did you mean `Сценарий:`?"),
        ("@a b\nFeature: x\n", 1, "a tag holds a blank"),
        ("@id:x\n", 1, "the file ends in the middle"),
        ("@id:x\nScenario: x\n", 2, "where the Feature should begin"),
        (ONE + "  Whn y\n", 5, "Did you mean `When`?"),
        (ONE + "  a line\n", 5, "'a line' does not belong here"),
        (ONE + "Background:\n  Given y\n", 5, "a Background stands here too late"),
        (ONE + "  | a | b |\n  | c |\n", 6, "as many cells in each row"),
        (ONE + '  """\n  open\n', 6, "a doc string ends with"),
        (HEAD + "Scenario: a\n  @x\n  Given x\n", 5, "tags above a Feature"),
        (HEAD + "Scenario: a\n  And x\n", 4, "the first step begins with 'And'"),
        (HEAD + "Feature: g\n", 2, "a second Feature"),
        (HEAD + "  Scenaro: x\n  Then y\n", 2, "Did you mean `Scenario:`?"),
        (HEAD + "  Given a shop\n", 2, "Write `Background:` above it"),
        (HEAD + "Rule: r\n  Backgruond:\n  Given y\n", 3, "Did you mean `Background:`?"),
        (HEAD + "Background:\n  some prose\n  Given y\n", 3, "Move prose to the description"),
    ],
)
def test_malformed_text_is_explained(text: str, line: int, part: str) -> None:
    message = complaint(text)
    assert message.startswith(f"{PATH}:{line}: [unreadable] "), message
    assert part in message
    every = complaint(ONE + "  Whn y\nScenario: b\n  Then x\nBackground:\n").splitlines()
    assert [row.split(" ")[0] for row in every] == [f"{PATH}:5:", f"{PATH}:8:"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout with one runbook."""
    checkout = tmp_path / "checkout"
    file = checkout / PATH
    file.parent.mkdir(parents=True)
    file.write_text(TEXT, encoding="utf-8")
    return checkout


def write(root: Path, data: bytes, name: str = "other") -> Path:
    path = root / "features" / "shop" / f"{name}.feature"
    path.write_bytes(data)
    return path


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(UsageError) as caught:
        call()
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_what_is_no_file_is_explained(root: Path) -> None:
    missing = root / "features" / "gone.feature"
    assert "No such file" in refusal(lambda: reader.read(missing, root))
    folder = root / "features" / "folder.feature"
    folder.mkdir()
    assert "not a regular file" in refusal(lambda: reader.read(folder, root))


def test_discover_finds_all_runbooks_in_order(root: Path) -> None:
    first = write(root, TEXT.encode(), "a")
    (root / "features" / "shop" / "notes.txt").write_text("no runbook", encoding="utf-8")
    assert reader.discover(root) == [first, root / PATH]
    assert reader.discover(root, [root / "features", first]) == [first, root / PATH]


def test_discover_takes_paths_of_two_folders(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root / "features")
    assert reader.discover(root, [Path("shop")]) == [root / PATH]
    assert reader.discover(root, [Path(PATH)]) == [root / PATH]
    assert reader.discover(root, [Path("../features/shop/../shop/no-orders.feature")]) == [
        root / PATH
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("rb-shop-001", "no ORDERS", "two", "no-orders", "./features/shop/no-orders.feature"),
        "runbooks/shop/no-orders.md",
    ],
)
def test_how_a_runbook_may_be_named(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(root)
    assert reader.discover(root, [Path(name)]) == [root / PATH]


def test_discover_refuses_what_is_not_there(root: Path) -> None:
    message = refusal(lambda: reader.discover(root, [Path("features/shop/no-order.feature")]))
    assert message == (
        "features/shop/no-order.feature: no such file or folder, and no runbook of this id, title "
        "or alert. Did you mean features/shop/no-orders.feature?"
    )
    assert "drillbook list" in refusal(lambda: reader.discover(root, [Path("zzz")]))
    (root / "features/empty").mkdir()
    nothing = refusal(lambda: reader.discover(root, [root / "features/empty"]))
    assert "there is no runbook to work on" in nothing
    (root / "features/notes.txt").touch()
    notes = refusal(lambda: reader.discover(root, [root / "features/notes.txt"]))
    assert "not a *.feature file" in notes


def test_a_checkout_behind_a_link_is_the_same_checkout(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    assert reader.discover(link) == [link / PATH]
    assert reader.read(root / PATH, link) == parsed(TEXT)
    assert reader.read(link / PATH, root) == parsed(TEXT)
