"""What may be kept as the last good configuration, and what may not."""

from typing import Any

import pytest

from fixtures.spark import streaming_application
from scripts.spark.keep_last_good import (
    FALLBACK,
    changed_at,
    copy_of,
    verb_for,
    why_not,
    why_unproven,
)

T0, T1, T2 = "2026-11-20T10:00:00Z", "2026-11-20T10:01:00Z", "2026-11-20T10:02:00Z"
DATA = {"driver-memory": "512m"}


def configmap(*writes: tuple[str, str], **more: Any) -> dict[str, Any]:
    """One of T0, with a record of (time, field) of who wrote what."""
    fields = [{"time": at, "fieldsV1": {field: {}}} for at, field in writes]
    metadata = {"creationTimestamp": T0, "managedFields": fields, "labels": {"a": "b"}}
    return {"metadata": metadata, "data": DATA, **more}


def pod(*, ready: bool = True, made: str = T1, **metadata: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "orders-1", "creationTimestamp": made, **metadata},
        "status": {"containerStatuses": [{"name": "spark-driver", "ready": ready}]},
    }


def test_what_a_ready_driver_started_with_is_good() -> None:
    assert why_not(configmap((T0, "f:data")), pod()) == ""
    assert why_unproven("batch 1: 40 orders", last=100.0, now=160.0) == ""


@pytest.mark.parametrize(
    ("present", "driver", "said"),
    [
        (None, pod(), "there is no such configmap"),
        (configmap() | {"data": {}}, pod(), "it is empty"),
        (configmap(), None, "there is no driver pod"),
        (configmap(), pod(ready=False), "orders-1 is not ready"),
        (configmap(), pod(deletionTimestamp=T2), "orders-1 is not ready"),
        (configmap((T2, "f:data")), pod(), "it was changed after the driver orders-1 was made"),
    ],
)
def test_what_nobody_has_seen_working_is_refused(present: Any, driver: Any, said: str) -> None:
    assert said in why_not(present, driver)


@pytest.mark.parametrize(
    ("log", "last", "said"),
    [
        (f"start.sh: {FALLBACK}. What was said", 100.0, "runs on the last good one"),
        ("", None, "has not completed a batch yet"),
        ("", 99.0, "completed its last batch 61 s ago"),
    ],
)
def test_progress_that_speaks_for_nothing(log: str, last: float | None, said: str) -> None:
    assert said in why_unproven(log, last, now=160.0)


def test_only_a_write_of_the_data_is_a_change_of_it() -> None:
    written = configmap((T1, "f:data"), (T2, "f:immutable"))
    assert changed_at(written) == changed_at(configmap((T1, "f:data")))
    assert changed_at(configmap((T2, "f:immutable"))) == changed_at(configmap((T0, "f:data")))


@pytest.mark.parametrize(
    ("older", "verb"),
    [
        (None, "kept"),
        ({"data": DATA, "immutable": True}, "unchanged"),
        ({"data": DATA}, "replaced"),
        ({"data": {"driver-memory": "1g"}, "immutable": True}, "replaced"),
    ],
)
def test_what_is_done_about_an_older_copy(older: Any, verb: str) -> None:
    assert verb_for(configmap(), older) == verb


def test_the_copy_cannot_be_changed_and_carries_no_record_of_the_original() -> None:
    copy = copy_of(configmap((T0, "f:data")), "orders-conf-last-good")
    assert copy["immutable"] is True
    assert copy["data"] == DATA
    assert copy["metadata"] == {"name": "orders-conf-last-good", "labels": {"a": "b"}}


def test_the_fallback_is_what_the_start_script_says() -> None:
    code = streaming_application("orders")[0]["data"]
    assert f'say "{FALLBACK}' in code["start.sh"]
