"""The reader: what a runbook's text means, and what is none."""

from collections.abc import Callable
from functools import partial
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
    return str(caught.value)


def test_metadata_is_tags_split_at_the_first_colon() -> None:
    runbook = parsed(TEXT)
    assert runbook.tags[:2] == (
        Tag(name="id", value="RB-SHOP-001", line=1),
        Tag(name="owner", value="a:b", line=1),
    )
    assert runbook.alerts == ("One", "Two")
    assert (runbook.title, runbook.line, runbook.path) == ("No orders", 3, PATH)
    assert runbook.page == PurePosixPath("runbooks/shop/no-orders.md")


def test_descriptions_are_dedented_and_without_comments() -> None:
    runbook = parsed(TEXT)
    assert runbook.description == (
        "Meaning: customers cannot buy.\n  Indented further.\n\nImpact: no money."
    )
    assert runbook.causes[0].description == "It was stopped."


def test_each_background_belongs_to_its_own() -> None:
    runbook = parsed(TEXT)
    assert [step.text for step in runbook.background] == ["a shop"]
    assert [(s.keyword, s.text) for s in runbook.causes[0].background] == [
        ("given", "no database"),
        ("given", "another thing"),
    ]
    assert runbook.causes[1].background == ()


def test_and_but_and_stars_take_the_keyword_before() -> None:
    (scenario,) = parsed(TEXT).causes[0].scenarios
    assert [step.keyword for step in scenario.steps] == ["then", "then", "then"]
    assert [step.line for step in scenario.steps] == [24, 25, 30]


def test_doc_strings_and_tables_are_kept() -> None:
    plain, quoted, table = parsed(TEXT).causes[0].scenarios[0].steps
    assert (plain.doc_string, plain.table) == (None, None)
    assert quoted.doc_string == "two\n  lines"
    assert table.table == (("a", "b | c"), ("d", ""))


def test_phases_are_the_scenarios_tags() -> None:
    first, second = parsed(TEXT).causes
    assert first.scenarios[0].phase is Phase.DETECTION
    assert second.scenarios[0].phase is None
    assert second.scenarios[0].phases == (Phase.DIAGNOSIS, Phase.REMEDIATION)


def test_a_rule_without_an_id_among_several_gets_none() -> None:
    assert [cause.id for cause in parsed(TEXT).causes] == ["no-database", ""]


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


def test_labels_are_read_in_the_features_language() -> None:
    text = "# language: ru\nФункция: f\n  Значение: a\n    Impact: b\n"
    assert sections(parsed(text).description) == {"": "", "Meaning": "a", "Impact": "b"}


def test_other_languages_mean_the_same() -> None:
    text = "# language: de\nFunktionalität: f\n  Szenario: s\n    Wenn a\n    Und b\n    Dann c\n"
    steps = parsed(text).causes[0].scenarios[0].steps
    assert [step.keyword for step in steps] == ["when", "when", "then"]


HEAD = "@id:x\nFeature: f\n"
ONE = HEAD + "Scenario: a\n  Given x\n"


@pytest.mark.parametrize(
    ("text", "line", "part"),
    [
        ("", 1, "the file holds no Feature"),
        ("# only a comment\n", 1, "the file holds no Feature"),
        ("hello\n", 1, "'hello' stands where the Feature should begin"),
        (ONE + "<<<<<<< HEAD\n", 5, "a merge was not finished"),
        ("# language: ru\nФункция: f\n  Сценрий: x\n", 2, "Did you mean `Сценарий:`?"),
        ("@a b\nFeature: x\n", 1, "a tag holds a blank"),
        ("@id:x\n", 1, "the file ends in the middle"),
        ("@id:x\nScenario: x\n", 2, "where the Feature should begin"),
        ("# language: xx\nFeature: x\n", 1, "the language 'xx'"),
        (ONE + "Feature: g\n", 5, "a second Feature"),
        (ONE + "Scenaro: b\n", 5, "Did you mean `Scenario:`?"),
        (ONE + "  Whn y\n", 5, "Did you mean `When`?"),
        (ONE + "  a line\n", 5, "'a line' does not belong here"),
        (ONE + "Background:\n  Given y\n", 5, "a Background stands here too late"),
        (ONE + "  | a | b |\n  | c |\n", 6, "as many cells in each row"),
        (ONE + '  """\n  open\n', 6, "a doc string ends with"),
        (ONE + "@tag\n", 5, "the file ends in the middle"),
        (HEAD + "Scenario: a\n  @x\n  Given x\n", 5, "tags above a Feature"),
        (HEAD + "Scenario: a\n  And x\n", 4, "the first step begins with 'And'"),
        (HEAD + "Scenario: a\n  Gven x\n  Then y\n", 3, "Did you mean `Given`?"),
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


def test_every_malformed_place_is_named() -> None:
    message = complaint(ONE + "  Whn y\nScenario: b\n  Then x\nBackground:\n")
    assert [row.split(" ")[0] for row in message.splitlines()] == [f"{PATH}:5:", f"{PATH}:8:"]


def test_no_message_speaks_the_parsers_language() -> None:
    for text in ("hello\n", ONE + "Feature: g\n", ONE + "  Whn y\n", ONE + "@tag\n"):
        assert "#EOF" not in complaint(text)
        assert "expected:" not in complaint(text)


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


def test_a_file_is_read_by_its_place_in_the_checkout(root: Path) -> None:
    assert reader.read(root / PATH, root) == parsed(TEXT)


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
    ],
)
def test_how_lines_end_and_a_byte_order_mark_change_nothing(root: Path, data: bytes) -> None:
    (root / PATH).write_bytes(data)
    assert reader.read(root / PATH, root) == parsed(TEXT)


@pytest.mark.parametrize(
    ("data", "line", "part"),
    [
        (b"\xef\xbb\xbfFeature: f\n  caf\xe9\n", 2, "not valid UTF-8"),
        (b"Feature: f\n\n  a\0b\n", 3, "NUL"),
        (b"Feature: f\n" + b"#" * reader.LIMIT_BYTES, 1, "may have 1000000"),
    ],
)
def test_unreadable_bytes_are_explained(root: Path, data: bytes, line: int, part: str) -> None:
    path = write(root, data)
    message = refusal(lambda: reader.read(path, root))
    assert message.startswith(f"features/shop/other.feature:{line}: [unreadable] ")
    assert part in message


def test_the_largest_file_that_is_read(root: Path) -> None:
    head = b"Feature: f\n#"
    path = write(root, head + b"x" * (reader.LIMIT_BYTES - len(head)))
    assert reader.read(path, root).title == "f"


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


def test_discover_takes_paths_from_the_working_folder_and_from_the_checkout(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
        *("runbooks/shop/no-orders.md", "../runbooks/shop/no-orders.md"),
    ],
)
def test_a_runbook_is_named_as_its_reader_knows_it(
    root: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name.startswith(".."):
        page = root / "runbooks/shop/no-orders.md"
        page.parent.mkdir(parents=True)
        page.touch()
    monkeypatch.chdir(root / "features" if name.startswith("..") else root)
    assert reader.discover(root, [Path(name)]) == [root / PATH]


def test_discover_refuses_what_is_not_there(root: Path) -> None:
    message = refusal(lambda: reader.discover(root, [Path("features/shop/no-order.feature")]))
    assert message == (
        "features/shop/no-order.feature: no such file or folder, and no runbook of this id, title "
        "or alert. Did you mean features/shop/no-orders.feature?"
    )
    assert "drillbook list" in refusal(lambda: reader.discover(root, [Path("zzz")]))


def test_discover_refuses_nothing(root: Path) -> None:
    (root / "features" / "empty").mkdir()
    message = refusal(lambda: reader.discover(root, [root / "features" / "empty"]))
    assert "there is no runbook to work on" in message


def test_discover_refuses_another_kind_of_file(root: Path) -> None:
    notes = root / "features" / "notes.txt"
    notes.write_text("no runbook", encoding="utf-8")
    assert "not a *.feature file" in refusal(lambda: reader.discover(root, [notes]))


def test_a_path_outside_the_checkout_is_refused(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.feature"
    outside.write_text(TEXT, encoding="utf-8")
    for path in (outside, root / ".." / "outside.feature"):
        assert "outside the checkout" in refusal(partial(reader.read, path, root))
        assert "outside the checkout" in refusal(partial(reader.discover, root, [path]))


def test_a_link_out_of_the_checkout_is_refused(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.feature"
    outside.write_text(TEXT, encoding="utf-8")
    link = root / "features" / "shop" / "link.feature"
    link.symlink_to(outside)
    assert "outside the checkout" in refusal(lambda: reader.discover(root))
    assert "outside the checkout" in refusal(lambda: reader.read(link, root))


def test_a_checkout_behind_a_link_is_the_same_checkout(root: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(root)
    assert reader.discover(link) == [link / PATH]
    assert reader.read(root / PATH, link) == parsed(TEXT)
    assert reader.read(link / PATH, root) == parsed(TEXT)


def test_read_all_reports_instead_of_raising(root: Path) -> None:
    write(root, b"Feature: f\nFeature: g\nFeature: h\n", "torn")
    runbooks, problems = reader.read_all(reader.discover(root), root)
    assert [runbook.path for runbook in runbooks] == [PATH]
    assert {(p.path, p.rule) for p in problems} == {
        ("features/shop/torn.feature", reader.UNREADABLE)
    }
    assert problems
