"""Judges the requests that Usher sent to GitLab by what python-gitlab knows of GitLab's API: path, verb,
names of parameters. GitLab's own description is held against them in judges.mjs."""

import json
import re
import urllib.parse

import gitlab.v4.objects

ROOT = "/gl/api/v4"
PAGING = {"page", "per_page"}
# What GitLab documents and python-gitlab has no list of; the clients here send it as well.
MORE = {
    ("PUT", "/projects/{project_id}/merge_requests"): {"add_labels", "remove_labels"},  # doc/api/merge_requests.md
    ("GET", "/projects/{project_id}/merge_requests/{mr_iid}/notes"): {"order_by", "sort"},  # doc/api/notes.md
    ("POST", "/groups/{group_id}/hooks"): {"member_events", "signing_token"},  # doc/api/group_webhooks.md
    ("PUT", "/groups/{group_id}/hooks"): {"member_events", "signing_token"},
}
# Calls that are methods in python-gitlab or missing there, and are made by the clients: verb, path, names.
APART = [
    ("GET", "/version", set()),
    ("GET", "/users/{user_id}/projects", {"archived", *PAGING}),
    ("GET", "/projects/{id}/merge_requests/{iid}/diffs", PAGING),
    ("GET", "/projects/{id}/repository/files/{file_path}/raw", {"ref"}),
    ("POST", "/projects/{id}/hooks/{hook_id}/test/{trigger}", set()),
    ("POST", "/groups/{id}/hooks/{hook_id}/test/{trigger}", set()),
    ("GET", "/projects/{id}/hooks/{hook_id}/events", {"status", *PAGING}),
    ("GET", "/groups/{id}/hooks/{hook_id}/events", {"status", *PAGING}),
]


def fits(template, path):
    pattern = "[^/]+".join(re.escape(part) for part in re.split(r"\{\w*\}", template))
    return re.fullmatch(pattern, path) is not None


def verbs(manager):
    """What a manager can do: verb, path, parameters that may be, parameters that must be."""
    path, create, update = manager._path, manager._create_attrs, manager._update_attrs

    def may(attributes, verb):
        return {*attributes.required, *attributes.optional, *attributes.exclusive, *MORE.get((verb, path), ())}

    if hasattr(manager, "list"):
        yield "GET", path, {*manager._list_filters, *PAGING, *MORE.get(("GET", path), ())}, set()
    elif hasattr(manager, "get"):
        yield "GET", path, set(), set()
    if hasattr(manager, "get"):
        yield "GET", path + "/{}", set(manager._optional_get_attrs), set()
    if hasattr(manager, "create"):
        yield "POST", path, may(create, "POST"), set(create.required)
    if hasattr(manager, "update"):
        yield "PUT", path + "/{}", may(update, "PUT"), set(update.required)
    if hasattr(manager, "delete"):
        yield "DELETE", path + "/{}", set(), set()


def known():
    """Every call that python-gitlab knows."""
    managers = [one for one in vars(gitlab.v4.objects).values() if getattr(one, "_path", None)]
    return [call for one in managers for call in verbs(one)] + [(*call, set()) for call in APART]


def is_ushers(line):
    # GraphQL has one path, one verb and no parameters; README.md's table has it.
    rest = line["kind"] == "exchange" and line["forge"] == "gitlab" and not line["target"].endswith("/graphql")
    return rest and line["headers"].get("user-agent", "").startswith("usher/")


def names(exchange, query):
    """The parameters of query and body by name; a list's name without its brackets."""
    pairs = urllib.parse.parse_qsl(query, keep_blank_values=True)
    if exchange["headers"].get("content-type", "").startswith("application/json"):
        pairs += list(json.loads(exchange["body"]).items())
    else:
        pairs += urllib.parse.parse_qsl(exchange["body"], keep_blank_values=True)
    return {name.removesuffix("[]") for name, _ in pairs}


def judge(exchange, calls):
    """What is wrong with one request, in sentences."""
    whole, _, query = exchange["target"].partition("?")
    here = [call for call in calls if fits(ROOT + call[1], whole)]
    there = [call for call in here if call[0] == exchange["method"]]
    given = names(exchange, query)
    if not here:
        yield "python-gitlab knows no such path"
    elif not there:
        yield f"the path takes {', '.join(sorted({call[0] for call in here}))}"
    elif not any(must <= given <= may for _, _, may, must in there):
        yield f"the parameters are {sorted(given)}, known are {sorted(set().union(*(call[2] for call in there)))}"
