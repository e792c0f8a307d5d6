"""YAML bombs, `!!python/object`, duplicate keys: safe loader, exit 2."""

import resource
from pathlib import Path

import pytest

from tests.bad_input.command_line import MANIFESTS, RULES, VALUES, drillbook
from tests.cluster.test_kubeconfig import kubeconfig

LAUGHS = "a0: &a0 [lol, lol]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30)
)
BAD = {
    "a billion laughs": (LAUGHS, "aliases are not read here"),
    "quadratic": ("a: &a " + "x" * 10**5 + "\nb: [" + "*a," * 10**5 + "]\n", "aliases"),
    "an object": ("a: !!python/object/apply:os.system [touch canary]\n", "constructor for the tag"),
    "a name": ("a: !!python/name:os.system\n", "constructor for the tag"),
    "a module": ("a: !!python/module:antigravity\n", "constructor for the tag"),
    "duplicate keys": ("a: 1\nb: {c: 1, c: 2}\n", "the key 'c' is there twice"),
    "merged keys": ("a: {<<: {b: 1}, b: 2}\n", "constructor for the tag"),
    "deep": ("[" * 100_000, "not usable YAML"),
    "no UTF-8": (b"a: \xff\n", "not UTF-8"),
    "large": ("a: " + "x" * 5_000_000, "more than 2000000 bytes"),
    "torn": ("a: [1,\n", "not usable YAML"),
}


def write(path: Path, text: str | bytes) -> None:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("place", [RULES, VALUES, MANIFESTS])
def test_bad_yaml_in_the_checkout(checkout: Path, place: str, name: str) -> None:
    text, said = BAD[name]
    write(checkout / place, text)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    answer = drillbook(checkout, "lint")
    assert answer.code == 2, answer.said
    assert said in answer.said
    assert Path(place).name in answer.said
    assert answer.took_s < 10
    assert not (checkout / "canary").exists()
    # Kilobytes, of the largest child so far: a bomb would need gigabytes.
    assert max(before, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) < 1_000_000


@pytest.mark.parametrize("name", BAD)
def test_bad_yaml_as_a_kubeconfig(checkout: Path, tmp_path: Path, name: str) -> None:
    text, said = BAD[name]
    path = kubeconfig(tmp_path, {"token": "t"})
    write(path, text)
    answer = drillbook(checkout, "drill", "--kubeconfig", str(path))
    assert answer.code == 2, answer.said
    assert said in answer.said
    assert str(path) in answer.said
