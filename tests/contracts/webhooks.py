"""Judges the webhooks that the fake GitLab sent: their signing tokens with `standardwebhooks`.

    python webhooks.py FOLDER
"""

import datetime
import json
import pathlib
import sys
from unittest import mock

import standardwebhooks
from standardwebhooks.webhooks import WebhookVerificationError


def clock_at(seconds):
    """The module's clock as the sandbox's was; elsewhere `datetime` stays what it is."""

    class Frozen(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.fromtimestamp(seconds, tz)

    return mock.patch("standardwebhooks.webhooks.datetime", Frozen)


def accepted(hook, body, headers, late_seconds=0):
    with clock_at(hook["at"] + late_seconds):
        try:
            standardwebhooks.Webhook(hook["signing_token"]).verify(body, headers, json_parse=False)
        except WebhookVerificationError:
            return False
    return True


def judge(hook):
    """What is wrong with one webhook, in sentences."""
    headers, body = hook["headers"], hook["body"]
    lower = {name.lower(): value for name, value in headers.items()}
    if lower.get("webhook-id") != lower.get("idempotency-key"):
        yield "webhook-id and Idempotency-Key differ"
    if hook["secret"] != lower.get("x-gitlab-token"):
        yield "X-Gitlab-Token is not the hook's secret"
    if hook["signing_token"] is None:
        if "webhook-signature" in lower:
            yield "a signature without a signing token"
        return
    if not accepted(hook, body, headers):
        yield "the signature is wrong"
    if accepted(hook, body + " ", headers):
        yield "the signature fits another body too"
    if accepted(hook, body, headers, late_seconds=301):
        yield "the time that is signed is not the time of sending"


def webhooks(folder):
    for file in sorted(pathlib.Path(folder).iterdir()):
        for line in file.read_text().splitlines():
            if '"kind":"webhook"' in line and '"forge":"gitlab"' in line:
                yield json.loads(line)


def main():
    faults, signed, events = {}, 0, set()
    for hook in webhooks(sys.argv[1]):
        signed += hook["signing_token"] is not None
        events.add(hook["event"])
        for fault in judge(hook):
            faults[f'{hook["event"]}: {fault}'] = hook["body"][:200]
    for event in ["Merge Request Hook", "Note Hook", "Member Hook"]:
        if event not in events:
            faults[f"{event}: was never sent"] = ""
    for fault, example in faults.items():
        print(f"  {fault} {example}", file=sys.stderr)
    if faults or signed == 0:
        sys.exit(1)
    print(f"{signed} webhooks of the fake GitLab are signed as Standard Webhooks are")


main()
