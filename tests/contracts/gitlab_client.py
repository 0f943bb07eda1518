"""python-gitlab goes through every call that Usher makes on GitLab, against the fake one."""

import datetime
import sys

import gitlab
from sandbox import company, same


def names(people):
    return sorted(person.username for person in people)


def iids(changes):
    return sorted((change.references["full"].split("!")[0], change.iid) for change in changes)


def people(gl, town):
    gl.auth()
    same((gl.user.id, gl.user.username), (town["bot"]["id"], town["bot"]["login"]), "who am I")
    same([(user.id, user.state) for user in gl.users.list(username="rita")], [(town["ids"]["rita"], "active")], "a login")
    same(gl.users.list(username="nobody"), [], "a login that nobody has")
    group = gl.groups.get(town["group"])
    same(names(group.members.list(get_all=True)), ["sam", "siobhan"], "direct members")
    same({member.access_level for member in group.members.list(get_all=True)}, {gitlab.const.AccessLevel.DEVELOPER}, "their access")
    project = gl.projects.get(town["project"])
    same(project.members_all.get(town["ids"]["rita"]).access_level, gitlab.const.AccessLevel.DEVELOPER, "a member")
    roles = {one.username: (one.access_level, one.expires_at) for one in project.members_all.list(get_all=True)}
    same((roles["rita"], roles["usher"]), ((gitlab.const.AccessLevel.DEVELOPER, None), (gitlab.const.AccessLevel.OWNER, None)), "roles")
    settings = (project.visibility, project.repository_access_level, project.merge_requests_access_level, project.forking_access_level, project.shared_with_groups)
    same(settings, ("private", "enabled", "enabled", "enabled", []), "settings")
    below = gl.groups.get("acme").projects.list(include_subgroups=True, with_shared=False, get_all=True)
    same([one.path_with_namespace for one in below], [town["project"]], "a group's projects")
    mine = gl.projects.list(membership=True, get_all=True)
    same(sorted(one.path_with_namespace for one in mine), sorted([town["project"], town["own_project"]]), "its own projects")
    same((gl.users.get(town["ids"]["rita"]).username, gl.users.get(town["ids"]["rita"]).state), ("rita", "active"), "an id")
    fails(lambda: project.members_all.get(99_999_999), gitlab.GitlabGetError, 404, "who is no member")
    lena = gl.users.list(username="lena")[0]
    owned = [project.path_with_namespace for project in lena.projects.list(get_all=True)]
    same(owned, [town["own_project"]], "a user's projects")


def lists(gl, town):
    everything = [(town["project"], town["fresh"]), (town["project"], town["reviewed"]), (town["own_project"], town["own"])]
    wish = {"scope": "all", "state": "opened", "order_by": "created_at", "sort": "asc", "get_all": True}
    same(iids(gl.mergerequests.list(**wish)), everything, "all that the token sees")
    same(iids(gl.mergerequests.list(get_all=True)), [], "its own, as the instance's list has it by default")
    same(iids(gl.groups.get("acme").mergerequests.list(**wish)), everything[:2], "a group's")
    project = gl.projects.get(town["project"])
    same(iids(project.mergerequests.list(**wish)), everything[:2], "a project's")
    newest = project.mergerequests.list(state="all", order_by="updated_at", sort="desc", get_all=True)
    same(newest[0].iid, town["reviewed"], "newest update first")
    same(project.mergerequests.list(updated_after="2999-01-01T00:00:00Z", state="all", get_all=True), [], "nothing new")
    # One on a page: the client goes on by the `Link` header.
    same(len(project.mergerequests.list(state="opened", iterator=True, per_page=1)), 2, "the total that the headers tell")
    same(iids(project.mergerequests.list(state="opened", per_page=1, get_all=True)), everything[:2], "page by page")


def reading(gl, town):
    project = gl.projects.get(town["project"])
    change = project.mergerequests.get(town["reviewed"])
    same((change.author["username"], change.draft, change.state), ("sam", False, "opened"), "a merge request")
    details = change.reviewer_details.list(get_all=True)
    same([(one.user["username"], one.state) for one in details], [("rita", "requested_changes")], "the reviewers")
    approvals = change.approvals.get().approved_by
    given = [(one["user"]["username"], datetime.datetime.fromisoformat(one["approved_at"]).tzinfo is not None) for one in approvals]
    same(given, [("ravi", True)], "who approved, and when")
    same(project.files.raw("docs/CODEOWNERS", ref="main"), b"* @rita\n", "a file as it is")
    fails(lambda: project.files.raw("CODEOWNERS", ref="main"), gitlab.GitlabGetError, 404, "a file that is not there")
    files = [file["new_path"] for file in gl.http_list(f"{change.manager.path}/{change.iid}/diffs", get_all=True)]
    same((len(files), files[0], files[-1]), (120, "src/part_000.rs", "src/part_119.rs"), "the files")
    fails(lambda: project.mergerequests.get(999), gitlab.GitlabGetError, 404, "a merge request that is not there")


def setup(gl, town):
    version, _ = gl.version()
    same(version, "19.5.0-ee", "its version")
    token = gl.personal_access_tokens.get("self")
    same((token.scopes, token.expires_at, token.user_id), (["api"], None, town["bot"]["id"]), "its own token")
    paths = lambda projects: sorted(project.path_with_namespace for project in projects)
    same(paths(gl.groups.get("acme").projects.list(include_subgroups=True, archived=False, get_all=True)), [town["project"]], "a group's projects")
    same(paths(gl.projects.list(membership=True, archived=False, get_all=True)), [town["project"], town["own_project"]], "all projects")
    project = gl.projects.get(town["project"])
    same(project.archived, False, "a project")
    same("bug" in [label.name for label in project.labels.list(get_all=True)], True, "its labels")
    made = project.labels.create({"name": "made by hand", "color": "#5319e7", "description": "Made by hand"})
    same(made.name, "made by hand", "a new label")


def writing(gl, town):
    changes, ids = gl.projects.get(town["project"]).mergerequests, town["ids"]
    number = town["fresh"]
    changes.update(number, {"reviewer_ids": [ids["rita"], ids["ravi"]]})
    reviewers = lambda: sorted(one["username"] for one in changes.get(number).reviewers)
    same(reviewers(), ["ravi", "rita"], "asked")
    changes.update(number, {"reviewer_ids": [ids["rita"]]})
    same(reviewers(), ["rita"], "the list replaces the one before")
    changes.update(number, {"reviewer_ids": [0]})
    same(reviewers(), [], "0 is nobody")
    changes.update(number, {"add_labels": "support-review::reviewing,new and shiny"})
    same(changes.get(number).labels, ["bug", "new and shiny", "support-review::reviewing"], "labels")
    changes.update(number, {"add_labels": "support-review::with-author", "remove_labels": "new and shiny"})
    same(changes.get(number).labels, ["bug", "support-review::with-author"], "scoped labels exclude each other")
    notes = changes.get(number).notes
    note = notes.create({"body": "<!-- usher:status -->\nOne"})
    note.body = "<!-- usher:status -->\nTwo"
    note.save()
    found = [(one.id, one.author["id"], one.body) for one in notes.list(get_all=True, order_by="created_at", sort="desc") if not one.system]
    same(found, [(note.id, town["bot"]["id"], "<!-- usher:status -->\nTwo")], "the notes")
    threads = [one.attributes["notes"][0] for one in changes.get(number).discussions.list(get_all=True)]
    own = [(one["id"], one["resolvable"]) for one in threads if one["id"] == note.id]
    same(own, [(note.id, False)], "the discussions")
    same(note.awardemojis.create({"name": "thumbsup"}).name, "thumbsup", "a reaction")
    fails(lambda: note.awardemojis.create({"name": "thumbsup"}), gitlab.GitlabCreateError, 404, "a second one")


def hooks(gl, town):
    found = gl.projects.get(town["project"]).hooks.list(get_all=True)
    same([(hook.id, hook.alert_status, hook.disabled_until) for hook in found], [(town["hook"], "executable", None)], "the hooks")
    same((found[0].token_present, found[0].signing_token_present), (False, True), "their secrets, as far as they are told")
    found[0].test("merge_requests_events")
    group = gl.groups.get("acme")
    for place in (gl.projects.get(town["project"]), group):
        setting_up(place)
    paths = lambda projects: [project.path_with_namespace for project in projects]
    same(paths(group.projects.list(get_all=True, include_subgroups=True, archived=False)), [town["project"]], "a group's projects")
    same(paths(gl.projects.list(get_all=True, membership=True)), [town["project"], town["own_project"]], "what the token is a member of")


def setting_up(place):
    wish = {"url": "https://hooks.example.com/new", "signing_token": "whsec_" + "A" * 43 + "=", "token": "a token", "merge_requests_events": True, "push_events": False}
    hook = place.hooks.create(wish)
    same((hook.merge_requests_events, hook.push_events, hook.note_events), (True, False, False), "a new hook's events")
    same((hook.token_present, hook.signing_token_present), (True, True), "a new hook's secrets")
    hook.note_events = True
    hook.save()
    same((hook.merge_requests_events, hook.note_events), (True, True), "events after an edit")
    same((hook.token_present, hook.signing_token_present), (False, True), "an edit without the token clears it")
    hook.test("merge_requests_events")
    # The client has no list of them; its own way to ask does.
    events = place.manager.gitlab.http_list(f"{hook.manager.path}/{hook.id}/events", get_all=True)
    same([event for event in events if not isinstance(event["response_status"], str)], [], "how its deliveries went")
    fails(lambda: place.hooks.create({"url": "ftp://hooks.example.com"}), gitlab.GitlabCreateError, 422, "an address that is none")
    hook.delete()
    same(hook.id in [one.id for one in place.hooks.list(get_all=True)], False, "a hook that was removed")


def fails(act, kind, status, what):
    try:
        act()
    except kind as error:
        same(error.response_code, status, what)
    else:
        raise SystemExit(f"{what}: was not refused")


def main():
    with company("gitlab", sys.argv[1]) as town:
        gl = gitlab.Gitlab(url=town["url"], private_token=town["token"], per_page=50)
        people(gl, town)
        lists(gl, town)
        setup(gl, town)
        reading(gl, town)
        writing(gl, town)
        hooks(gl, town)
    print("python-gitlab finds its way on the fake GitLab")


main()
