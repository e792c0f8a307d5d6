"""What every tool needs of a cluster: a connection with a deadline, and errors that a responder
can act on. Exit codes: 2 bad usage, 4 the cluster could not be asked."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
import urllib3
import yaml
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config.config_exception import ConfigException

DEADLINE_S = 5.0
"""Of one request; nothing is asked a second time."""


class ToolError(Exception):
    """Something a person must hear; `exit_code` goes with it."""

    exit_code = 4


class BadUsage(ToolError):
    """What was given cannot be used; the cluster was not asked."""

    exit_code = 2


class NoAnswer(ToolError):
    """The cluster gave no usable answer."""


class NotDone(ToolError):
    """The cluster answered, and what it said forbids the change."""

    exit_code = 1


@contextmanager
def errors_as_exit_codes() -> Iterator[None]:
    """A ToolError ends the program with its message on stderr and its code."""
    try:
        yield
    except ToolError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from error


def checked_name(kind: str, name: str) -> str:
    """The name of a Kubernetes object, before it goes into a selector. Raises BadUsage."""
    if not re.fullmatch(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", name):
        raise BadUsage(
            f"{name!r} is no name of a Kubernetes {kind}: lower-case letters, digits and '-', "
            "63 characters at most."
        )
    return name


def connect(context: str) -> client.CoreV1Api:
    """The API of one context of the kubeconfig (KUBECONFIG, else the home folder's); the empty
    string is its current context. Raises BadUsage when there is no such thing."""
    settings = client.Configuration()
    settings.retries = 0
    try:
        config.load_kube_config(context=context or None, client_configuration=settings)
    except (ConfigException, yaml.YAMLError, OSError, TypeError, KeyError) as error:
        raise BadUsage(
            f"no usable kubeconfig: {error}. Set KUBECONFIG, and check the context with "
            "`kubectl config get-contexts`."
        ) from error
    return client.CoreV1Api(client.ApiClient(settings))


def ask(what: str, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """One call of the client library. Raises NoAnswer, but lets a 404 through as ApiException:
    what it means, only the caller knows."""
    try:
        return call(*arguments, **options, _request_timeout=DEADLINE_S)
    except ApiException as error:
        if error.status == 404:
            raise
        raise NoAnswer(f"{what}: the API answered {error.status} {error.reason}.") from error
    except urllib3.exceptions.HTTPError as error:
        raise NoAnswer(f"{what}: no answer from the API: {error}.") from error


def find_json(what: str, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The same, as the JSON that `kubectl get -o json` prints; None when it is not there."""
    try:
        found = json.loads(ask(what, call, *arguments, **options, _preload_content=False).data)
    except ApiException:
        return None
    except ValueError as error:
        raise NoAnswer(f"{what}: the answer is no JSON; is this a Kubernetes API?") from error
    if not isinstance(found, dict) or "kind" not in found:
        raise NoAnswer(f"{what}: the answer is not what was asked for: {str(found)[:80]}.")
    return found


def ask_json(what: str, call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    """The same for what is always there, such as a list."""
    found = find_json(what, call, *arguments, **options)
    if found is None:
        raise NoAnswer(f"{what}: the API answered 404; is this a Kubernetes API?")
    return found


def kubectl(context: str, namespace: str, *words: str) -> str:
    """A command line for a responder to paste."""
    place = (*(("--context", context) if context else ()), "-n", namespace)
    return shlex.join(("kubectl", *place, *words))
