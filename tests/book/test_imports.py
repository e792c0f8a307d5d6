"""Reading, binding and judging runbooks waits for no client library and no test framework."""

import subprocess
import sys

EVERY = """
import importlib, pkgutil, sys
import drillbook.book
found = [one.name for one in pkgutil.walk_packages(drillbook.book.__path__, "drillbook.book.")]
for name in found:
    importlib.import_module(name)
heavy = {"boto3", "kubernetes", "psycopg", "pytest", "pytest_bdd", "requests", "testinfra"}
print(len(found) > 15, sorted(heavy.intersection(sys.modules)))
"""


def test_book_loads_none() -> None:
    words = [sys.executable, "-c", EVERY]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"
