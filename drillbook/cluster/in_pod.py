"""A program run in a container of a pod, through the API server, and how it ended."""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import stream
from websocket import ABNF, WebSocketException

from drillbook.cluster.clients import Connections
from drillbook.cluster.deadline import within
from drillbook.model.errors import CouldNotTell, beginning
from drillbook.model.object_ref import ObjectRef

OUTPUT_LIMIT = 65536
"""Bytes that are kept of what it printed: the end."""
STDOUT, STDERR, STATUS = 1, 2, 3
"""Kubernetes' channels of an exec."""


@dataclass(frozen=True)
class Ran:
    """How a program in a container ended."""

    code: int | None
    """Its exit code; None when the server does not tell one: then nobody knows whether it ran."""
    stdout: str
    """The end of what it printed."""
    stderr: str
    """The end of it too; then the server's word on why it could not be run."""


def exec_in_pod(
    clients: Connections, pod: ObjectRef, container: str, words: Sequence[str], within_s: float
) -> Ran:
    """Run `words` (no shell reads them) and wait until they have ended, for `within_s` and one
    request's time at most; whoever needs them to end by then lets them end by themselves. Raises
    CouldNotTell when the API server refuses it or does not answer."""
    what, limit_s = f"the Kubernetes API for a program in {pod}", within_s + clients.request_timeout

    def run() -> Ran:
        return _run(clients, pod, container, words, time.monotonic() + limit_s)

    # The client library waits for a connection without end.
    return within(limit_s + clients.request_timeout, what, run)


def _run(
    clients: Connections, pod: ObjectRef, container: str, words: Sequence[str], until: float
) -> Ran:
    # A client of its own: the library changes it for the time of the call, also for other threads.
    api = client.CoreV1Api(client.ApiClient(clients.core.api_client.configuration))
    try:
        opened = stream(
            api.connect_get_namespaced_pod_exec,
            pod.name,
            pod.namespace,
            container=container,
            command=list(words),
            stdout=True,
            stderr=True,
            stdin=False,
            tty=False,
            _preload_content=False,
        )
    except (ApiException, AttributeError) as error:
        # The library stumbles over its own error, which has no body.
        refused = error if isinstance(error, ApiException) else error.__context__
        said = _reason(str(getattr(refused, "reason", refused)))
        raise CouldNotTell(f"exec in {pod} refused: {said}") from error
    try:
        heard = _heard(opened.sock, until)
    finally:
        opened.sock.shutdown()  # without a farewell, which a silent server would not answer
    return ended(heard.get(STATUS, b""), *(_lines(heard.get(n, b"")) for n in (STDOUT, STDERR)))


def _heard(socket: Any, until: float) -> dict[int, bytes]:
    """What came on each channel until the server closed them, or time was up."""
    heard: dict[int, bytes] = {}
    while (left_s := until - time.monotonic()) > 0:
        socket.settimeout(left_s)
        try:
            kind, frame = socket.recv_data_frame(True)
        except (WebSocketException, OSError):
            break
        if kind == ABNF.OPCODE_CLOSE:
            break
        if kind in (ABNF.OPCODE_BINARY, ABNF.OPCODE_TEXT) and frame.data:
            channel = frame.data[0]
            heard[channel] = (heard.get(channel, b"") + frame.data[1:])[-OUTPUT_LIMIT:]
    return heard


def _lines(kept: bytes) -> bytes:
    """Without the line that was cut: half of a secret is not known to be one."""
    return kept if len(kept) < OUTPUT_LIMIT else kept.partition(b"\n")[2]


def ended(status: bytes, stdout: bytes, stderr: bytes) -> Ran:
    """What the server's Status at the end of an exec says. Pure."""
    out, err = (text.decode("utf-8", "replace").strip() for text in (stdout, stderr))
    try:
        found = json.loads(status)
        if found["status"] == "Success":
            return Ran(0, out, err)
        if found.get("reason") == "NonZeroExitCode":
            causes = found["details"]["causes"]
            code = next(one["message"] for one in causes if one["reason"] == "ExitCode")
            return Ran(int(code), out, err)
        return Ran(None, out, f"{err}\n{found.get('message', '')}".strip())
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration):
        return Ran(None, out, f"{err}\nthe server did not say how it ended".strip())


def _reason(text: str) -> str:
    """The API server's sentence out of the library's account of a refused handshake."""
    found = re.search(r'"message":"((?:[^"\\]|\\.)*)"', text)
    return json.loads(f'"{found[1]}"') if found else beginning(text, 300)
