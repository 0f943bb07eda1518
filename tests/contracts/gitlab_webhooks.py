"""Judges the webhooks that the fake GitLab sent: their signing tokens with `standardwebhooks`, their payloads
with `pydantic-gitlab-webhooks`, which was read off GitLab's source."""

import datetime
import json
from unittest import mock

import pydantic
import standardwebhooks
from pydantic_gitlab_webhooks import events
from standardwebhooks.webhooks import WebhookVerificationError

# What Usher reads; one that the fake never sent was not judged.
EVENTS = {
    "Merge Request Hook": events.MergeRequestEvent,
    "Note Hook": events.MergeRequestNoteEvent,
    "Member Hook": events.GroupMemberEvent,
}
# The tolerance is five minutes.
TOO_LATE_SECONDS = 301


def clock_at(seconds):
    """The verifier's clock as the sandbox's was; elsewhere `datetime` stays what it is."""

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


def payload(hook):
    """What the models say of the payload, in sentences."""
    body = json.loads(hook["body"])
    # The model wants an end; a membership without one has null (lib/gitlab/hook_data/group_member_builder.rb).
    if hook["event"] == "Member Hook" and body["expires_at"] is None:
        body["expires_at"] = body["created_at"]
    try:
        EVENTS.get(hook["event"], events.MergeRequestNoteEvent).model_validate(body)
    except pydantic.ValidationError as error:
        yield from (f'{"/".join(map(str, one["loc"]))} {one["msg"]}' for one in error.errors())


def judge(hook):
    """What is wrong with one webhook, in sentences."""
    yield from payload(hook)
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
    if accepted(hook, body, headers, TOO_LATE_SECONDS):
        yield "the time that is signed is not the time of sending"
