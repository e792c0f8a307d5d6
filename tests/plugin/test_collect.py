"""`.feature` files as pytest nodes, tried in a pytest of their own."""

import pytest

from tests.lint_examples import edited

RUNBOOK = edited(("The database has no pod", "It is [really]: understood"))


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makeconftest('pytest_plugins = ["drillbook.plugin"]')
    folder = pytester.mkdir("features")
    (folder / "it.feature").write_text(RUNBOOK)
    return pytester


def nodes(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


def test_one_class_per_cause_and_healthy_asks_every_cause(project: pytest.Pytester) -> None:
    found = nodes(project.runpytest("features", "--collect-only", "-q"))
    assert not any(set("[] ") & set(line) for line in found)  # at which pytest cuts an id
    classes = list(dict.fromkeys(line.split("::")[1] for line in found))
    assert classes == ["no-database--plain", "full-disk--plain", "all--healthy"]
    healthy = [line.split("::")[2] for line in found if "all--healthy" in line]
    assert healthy == [
        "test_no-database--the-alert-fires",
        "test_no-database--it-is-really-understood",
        "test_full-disk--the-alert-fires-for-the-disk",
        "test_full-disk--the-disk-says-so",
    ]


def test_drills_do_not_run_by_accident(project: pytest.Pytester) -> None:
    result = project.runpytest("features")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*12 scenarios*change a cluster*--drill*"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (" for the disk", "", "duplicate-scenario"),
        ("@cause:full-disk", "@cause:no-database", "duplicate-cause"),
        ("is full\n", "is full\n<<<<<<< HEAD\n", "a merge was not finished"),
        ('"full"\n', '"full"\n  nonsense\n', "features/it.feature:*"),
    ],
)
def test_what_would_get_lost(project: pytest.Pytester, old: str, new: str, said: str) -> None:
    path = project.path / "features" / "it.feature"
    assert old in RUNBOOK
    path.write_text(RUNBOOK.replace(old, new))
    result = project.runpytest("features", "--collect-only", "-q")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"*{said}*"])


def test_names_of_another_script_are_all_there(project: pytest.Pytester) -> None:
    text = RUNBOOK.replace("Tidying helps", "Оповещение").replace("Starting it", "Перезапуск")
    (project.path / "features" / "it.feature").write_text(text)
    found = nodes(project.runpytest("features", "--collect-only", "-q"))
    assert len(found) == 12
    assert any(line.endswith("::test_оповещение") for line in found)


def test_no_area_is_passed_by(project: pytest.Pytester) -> None:
    area = project.mkdir("features/build")
    (project.path / "features" / "it.feature").rename(area / "it.feature")
    assert len(nodes(project.runpytest("features", "--collect-only", "-q"))) == 12
    asked = project.runpytest("features", "--collect-only", "-q", "--ignore=features/build")
    assert nodes(asked) == []


def test_unknown_settings_are_told(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.path / "drillbook.toml").write_text("no_such_setting = 1\n")
    result = project.runpytest("features", "--drill")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*no_such_setting*"])
