"""The judges of GitLab: of Usher's requests, and of the webhooks that the fake sends.

    python gitlab_judges.py FOLDER-OF-USHER FOLDER-OF-CLIENTS
"""

import json
import pathlib
import re
import sys

import gitlab_requests
import gitlab_webhooks


def recorded(folders):
    for file in (file for folder in folders for file in sorted(pathlib.Path(folder).iterdir())):
        for line in file.read_text().splitlines():
            yield json.loads(line)


def breaks(requests, webhooks, calls):
    """Do the judges judge? Good lines, each broken in one place; the fault that must be found, and what is."""

    def broken(lines, pick, key, change):
        whole = next(line for line in lines if pick(line))
        return {**whole, key: change(whole[key])}

    def edits_note(line):
        return line["method"] == "PUT" and "/notes/" in line["target"]

    def asks(line):
        return line["method"] == "PUT" and "reviewer_ids" in line["body"]

    def judged(line):
        return list(gitlab_requests.judge(line, calls))

    def signed(line):
        return merges(line) and line["signing_token"] is not None

    def merges(line):
        return line["event"] == "Merge Request Hook"

    yield "a verb", "the path takes DELETE, GET, PUT", judged(broken(requests, edits_note, "method", lambda _: "PATCH"))
    yield "a path", "no such path", judged(broken(requests, edits_note, "target", lambda it: it.replace("notes", "comments")))
    yield "a field", "the parameters are", judged(broken(requests, asks, "body", lambda it: it.replace("reviewer_ids", "reviewers")))
    yield "a required field", "the parameters are", judged(broken(requests, edits_note, "body", lambda _: ""))
    yield "a field of a webhook", "object_attributes/iid Field required", list(gitlab_webhooks.judge(broken(webhooks, merges, "body", lambda it: it.replace('"iid"', '"number"'))))
    yield "a body", "the signature is wrong", list(gitlab_webhooks.judge(broken(webhooks, signed, "body", lambda it: it.replace("merge_request", "issue"))))
    yield "a time", "the signature is wrong", list(gitlab_webhooks.judge(broken(webhooks, signed, "at", lambda at: at - 400)))


def main():
    lines = list(recorded(sys.argv[1:]))
    requests = [line for line in lines if gitlab_requests.is_ushers(line)]
    webhooks = [line for line in lines if line["kind"] == "webhook" and line["forge"] == "gitlab"]
    calls, faults = gitlab_requests.known(), {}
    for line in requests:
        place = re.sub(r"/\d+", "/*", line["target"].split("?")[0])
        faults |= {f'{line["method"]} {place}: {fault}': line["target"] for fault in gitlab_requests.judge(line, calls)}
    for line in webhooks:
        faults |= {f'{line["event"]}: {fault}': line["body"][:200] for fault in gitlab_webhooks.judge(line)}
    for event in gitlab_webhooks.EVENTS.keys() - {line["event"] for line in webhooks}:
        faults[f"{event} was never sent"] = ""
    tried = list(breaks(requests, webhooks, calls)) if requests and webhooks else []
    for name, says, found in tried:
        if not any(says in fault for fault in found):
            faults[f"{name} was broken, and the judge said {found}"] = ""
    for fault, example in faults.items():
        print(f"  {fault}\n      {example}", file=sys.stderr)
    if faults or not tried:
        sys.exit("nothing was judged" if not tried else 1)
    print(f"{len(requests)} requests of Usher's to GitLab are known to python-gitlab")
    print(f"{len(webhooks)} webhooks of the fake GitLab are signed as Standard Webhooks are and shaped as GitLab's")
    print(f"all {len(tried)} deliberate breaks were found")


main()
