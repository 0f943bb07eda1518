"""PyGithub goes through every call that Usher makes on GitHub, against the fake one."""

import sys

import github
from sandbox import company, same


def logins(people):
    return [person.login for person in people]


def people(gh, town):
    same(gh.get_user().login, town["bot"]["login"], "who am I")
    same(gh.get_user("rita").id, town["ids"]["rita"], "a login")
    same(gh.get_user_by_id(town["ids"]["rita"]).login, "rita", "an id")
    try:
        gh.get_user("nobody")
        raise SystemExit("a login that nobody has was found")
    except github.UnknownObjectException:
        pass
    org = gh.get_organization("acme")
    same(sorted(logins(org.get_team_by_slug("support").get_members())), ["sam", "siobhan"], "the team")
    same(sorted(logins(org.get_members())), ["sam", "siobhan"], "the organisation")
    same([repo.full_name for repo in org.get_repos()], [town["project"]], "its repositories")
    seen = [repo.full_name for repo in gh.get_user().get_repos()]
    same(seen, [town["project"], town["own_project"]], "what the token sees")


def access(repo):
    roles = {one.login: (one.permissions.push, one.permissions.admin, one.role_name) for one in repo.get_collaborators()}
    same((roles["rita"], roles["usher"]), ((True, False, "write"), (True, True, "admin")), "roles")
    same((repo.private, repo.allow_forking, repo.permissions.maintain), (True, True, True), "settings")


def app(town):
    auth = github.Auth.AppAuth(town["app"]["id"], town["app"]["private_key"])
    integration = github.GithubIntegration(base_url=town["url"], auth=auth, retry=None, seconds_between_requests=0, seconds_between_writes=0)
    same(integration.get_app().slug + "[bot]", town["app"]["bot"], "the App")
    _, hook = integration.requester.requestJsonAndCheck("GET", "/app/hook/config")
    # PyGithub puts in the path of the request where there is no `url`.
    same((hook["url"], hook["content_type"]), ("/app/hook/config", "json"), "its webhook, which has no address")
    found = list(integration.get_installations())
    same([one.account.login for one in found], ["acme"], "who has installed it")
    same(integration.get_access_token(found[0].id).token.startswith("ghs_"), True, "a token")
    same([repo.full_name for repo in found[0].get_repos()], [town["project"]], "what it was let into")
    redelivery(integration.requester, "/app/hook/deliveries")


def redelivery(requester, log):
    """PyGithub knows no redelivery of its own."""
    _, failed = requester.requestJsonAndCheck("GET", log, parameters={"status": "failure"})
    same([one["status_code"] for one in failed], [502], "what failed")
    requester.requestJsonAndCheck("POST", f"{log}/{failed[0]['id']}/attempts")


def reading(gh, repo, town):
    found = [issue.number for issue in gh.search_issues("is:pr is:open archived:false org:acme", sort="created", order="asc")]
    same(found, [town["fresh"], town["reviewed"]], "by search")
    opened = list(repo.get_pulls(state="open", sort="created", direction="asc"))
    same([pull.number for pull in opened], [town["fresh"], town["reviewed"]], "open pull requests")
    updated = list(repo.get_pulls(state="all", sort="updated", direction="desc"))
    same(updated[0].number, town["reviewed"], "newest update first")
    pull = repo.get_pull(town["reviewed"])
    same((pull.user.login, pull.draft, pull.merged, pull.state), ("sam", False, False, "open"), "a pull request")
    same(logins(pull.requested_reviewers), [], "who has reviewed is no longer requested")
    # Two pages, the second found by the `Link` header.
    files = [file.filename for file in pull.get_files()]
    same((len(files), files[0], files[-1]), (120, "src/part_000.rs", "src/part_119.rs"), "the files")
    same(repo.get_contents("docs/CODEOWNERS", ref="main").decoded_content, b"* @rita\n", "a file")
    refused(lambda: repo.get_contents("CODEOWNERS", ref="main"), 404, "a file that is not there")
    reviews = [(review.user.login, review.state, review.body) for review in pull.get_reviews()]
    same(reviews, [("rita", "CHANGES_REQUESTED", "Not yet.")], "the reviews")
    first = list(pull.get_reviews())[0]
    same(first.submitted_at.tzinfo is not None, True, "when it was given")
    same(pull.get_review(first.id).state, "CHANGES_REQUESTED", "one review")


def setup(gh, repo, town):
    same((repo.archived, repo.permissions.push, repo.permissions.admin), (False, True, True), "a repository")
    same("bug" in [label.name for label in repo.get_labels()], True, "its labels")
    look = {"color": "d73a4a", "description": "Something is broken"}
    _, made = gh.requester.requestJsonAndCheck("PATCH", f"/repos/{town['project']}/labels/bug", input=look)
    same((made["name"], made["color"]), ("bug", "d73a4a"), "how a label looks")
    same(gh.get_rate_limit().resources.core.limit > 0, True, "what is left")
    same([(hook.id, hook.active) for hook in repo.get_hooks()], [(town["hook"], True)], "its webhooks")
    same([hook.active for hook in gh.get_organization("acme").get_hooks()], [True], "the organisation's webhooks")


def writing(repo, town):
    pull = repo.get_pull(town["fresh"])
    pull.create_review_request(reviewers=["rita", "ravi"])
    same(sorted(logins(repo.get_pull(pull.number).requested_reviewers)), ["ravi", "rita"], "asked")
    pull.delete_review_request(reviewers=["ravi"])
    same(logins(repo.get_pull(pull.number).requested_reviewers), ["rita"], "asked after a removal")
    refused(lambda: pull.create_review_request(reviewers=["sam"]), 422, "the author as reviewer")
    refused(lambda: pull.create_review_request(reviewers=["olga"]), 422, "an outsider as reviewer")
    pull.add_to_labels("support-review::reviewing", "new and shiny")
    same(sorted(label.name for label in repo.get_pull(pull.number).labels), ["bug", "new and shiny", "support-review::reviewing"], "labels")
    pull.remove_from_labels("new and shiny")
    same(sorted(label.name for label in repo.get_pull(pull.number).labels), ["bug", "support-review::reviewing"], "labels after a removal")
    refused(lambda: pull.remove_from_labels("never there"), 404, "a label that is not there")
    comment = pull.create_issue_comment("<!-- usher:status -->\nOne")
    comment.edit("<!-- usher:status -->\nTwo")
    found = [(one.id, one.user.login, one.body) for one in pull.get_issue_comments()]
    same(found, [(comment.id, town["bot"]["login"], "<!-- usher:status -->\nTwo")], "the comments")
    reaction = comment.create_reaction("+1")
    same((reaction.content, comment.create_reaction("+1").id), ("+1", reaction.id), "reacting twice is one reaction")


def hooks(gh, repo):
    org = gh.get_organization("acme")
    for place in (repo, org):
        same([hook.config["secret"] for hook in place.get_hooks()], ["********"], "what is there")
        config = {"url": "https://hooks.example.com/new", "content_type": "json", "secret": "a secret"}
        hook = place.create_hook("web", config, ["pull_request"], True)
        same((hook.active, hook.events, hook.config["secret"]), (True, ["pull_request"], "********"), "a new hook")
        refused(lambda: place.create_hook("web", config), 422, "the same again")
        edit = hook.edit if place is repo else lambda *more: org.edit_hook(hook.id, *more)
        edit("web", {"url": config["url"], "content_type": "json"}, ["issue_comment"])
        found = {one.id: one for one in place.get_hooks()}[hook.id]
        same((found.events, "secret" in found.config), (["issue_comment"], False), "a hook after an edit")
        same(list(place.get_hook_deliveries(hook.id)), [], "deliveries")
        hook.delete() if place is repo else org.delete_hook(hook.id)
        same(hook.id in [one.id for one in place.get_hooks()], False, "a hook that was removed")


def refused(act, status, what):
    try:
        act()
    except github.GithubException as error:
        same(error.status, status, what)
    else:
        raise SystemExit(f"{what}: was not refused")


def main():
    with company("github", sys.argv[1]) as town:
        # Few on a page, so that lists have several; no retries, so that a fault shows.
        gh = github.Github(base_url=town["url"], auth=github.Auth.Token(town["token"]), per_page=50, retry=None, seconds_between_requests=0, seconds_between_writes=0)
        app(town)
        people(gh, town)
        repo = gh.get_repo(town["project"])
        access(repo)
        setup(gh, repo, town)
        reading(gh, repo, town)
        writing(repo, town)
        hooks(gh, repo)
        org = gh.get_organization("acme").get_hooks()[0]
        redelivery(gh.requester, f"/orgs/acme/hooks/{org.id}/deliveries")
    print("PyGithub finds its way on the fake GitHub")


main()
