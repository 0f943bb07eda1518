"""Starts the fake forges (crates/sandbox/examples/sandbox.rs) for one client, and says where they are."""

import contextlib
import json
import os
import subprocess


@contextlib.contextmanager
def company(forge, record):
    """The company on one forge; exchanges go to the file `record`."""
    command = [os.environ["SANDBOX"], "--record", record]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield json.loads(process.stdout.readline())[forge]
        finally:
            process.stdin.close()


def same(found, expected, what):
    """Fails unless both are equal; works with `python -O` too, unlike assert."""
    if found != expected:
        raise SystemExit(f"{what}: found {found!r}, expected {expected!r}")
