// @gitbeaker/rest goes through every call that Usher makes on GitLab, against the fake one.
//   node gitlab_client.mjs RECORD
import assert from "node:assert/strict";
import { Gitlab } from "@gitbeaker/rest";
import { withCompany } from "./sandbox.mjs";

const names = (people) => people.map((person) => person.username).sort();
const places = (changes) => changes.map((change) => change.references.full).sort();
const refused = (promise, status) => assert.rejects(promise, (error) => error.cause.response.status === status);

await withCompany("gitlab", process.argv[2], async (town) => {
  const gitlab = new Gitlab({ host: town.url, token: town.token });
  await people(gitlab, town);
  await lists(gitlab, town);
  await setup(gitlab, town);
  await reading(gitlab, town);
  await shaping(gitlab, town);
  await notes(gitlab, town);
  await hooks(gitlab, town);
});
console.log("@gitbeaker/rest finds its way on the fake GitLab");

async function people(gitlab, town) {
  assert.equal((await gitlab.Users.showCurrentUser()).id, town.bot.id);
  assert.deepEqual((await gitlab.Users.all({ username: "rita" })).map((user) => user.id), [town.ids.rita]);
  assert.deepEqual(await gitlab.Users.all({ username: "nobody" }), []);
  assert.deepEqual(names(await gitlab.GroupMembers.all(town.group, { perPage: 1 })), ["sam", "siobhan"]);
  const rita = await gitlab.ProjectMembers.show(town.project, town.ids.rita, { includeInherited: true });
  assert.deepEqual([rita.username, rita.access_level], ["rita", 30]);
  const roles = await gitlab.ProjectMembers.all(town.project, { includeInherited: true, perPage: 1 });
  const level = (name) => roles.find((one) => one.username === name).access_level;
  assert.deepEqual([level("rita"), level("usher")], [30, 50]);
  const shop = await gitlab.Projects.show(town.project);
  assert.deepEqual([shop.visibility, shop.merge_requests_access_level, shop.shared_with_groups], ["private", "enabled", []]);
  const paths = (projects) => projects.map((one) => one.path_with_namespace).sort();
  assert.deepEqual(paths(await gitlab.Groups.allProjects("acme", { includeSubgroups: true, withShared: false })), [town.project]);
  assert.deepEqual(paths(await gitlab.Projects.all({ membership: true, pagination: "offset" })), [town.project, town.own_project].sort());
  assert.equal((await gitlab.Users.show(town.ids.rita)).username, "rita");
  const owned = await gitlab.Users.allProjects("lena", { pagination: "offset" });
  assert.deepEqual(owned.map((project) => project.path_with_namespace), [town.own_project]);
}

async function lists(gitlab, town) {
  assert.equal((await gitlab.Projects.show(town.project)).path_with_namespace, town.project);
  const wish = { scope: "all", state: "opened", orderBy: "created_at", sort: "asc" };
  const shop = [`${town.project}!${town.fresh}`, `${town.project}!${town.reviewed}`];
  assert.deepEqual(places(await gitlab.MergeRequests.all(wish)), [...shop, `${town.own_project}!${town.own}`]);
  assert.deepEqual(places(await gitlab.MergeRequests.all({ groupId: "acme", ...wish })), shop);
  assert.deepEqual(places(await gitlab.MergeRequests.all({ projectId: town.project, ...wish, perPage: 1 })), shop);
  const newest = await gitlab.MergeRequests.all({ projectId: town.project, state: "all", orderBy: "updated_at", sort: "desc" });
  assert.equal(newest[0].iid, town.reviewed);
  const later = await gitlab.MergeRequests.all({ projectId: town.project, state: "all", updatedAfter: "2999-01-01T00:00:00Z" });
  assert.deepEqual(later, []);
}

async function setup(gitlab, town) {
  // The client knows `GET /metadata` alone, which is newer.
  const { body: version } = await gitlab.Users.requester.get("version");
  assert.match(version.version, /^\d+\.\d+\./);
  const token = await gitlab.PersonalAccessTokens.show();
  assert.deepEqual([token.scopes, token.expires_at, token.user_id], [["api"], null, town.bot.id]);
  const paths = (projects) => projects.map((project) => project.path_with_namespace).sort();
  assert.deepEqual(paths(await gitlab.Groups.allProjects("acme", { includeSubgroups: true, archived: false })), [town.project]);
  assert.deepEqual(paths(await gitlab.Projects.all({ membership: true, archived: false, pagination: "offset" })), [town.project, town.own_project]);
  assert.equal((await gitlab.Projects.show(town.project)).archived, false);
  const labels = await gitlab.ProjectLabels.all(town.project);
  assert.ok(labels.some((label) => label.name === "bug"));
  const made = await gitlab.ProjectLabels.create(town.project, "made by hand", "#5319e7", { description: "Made by hand" });
  assert.equal(made.name, "made by hand");
}

async function reading(gitlab, town) {
  const change = await gitlab.MergeRequests.show(town.project, town.reviewed);
  assert.deepEqual([change.author.username, change.draft, change.state], ["sam", false, "opened"]);
  await refused(gitlab.MergeRequests.show(town.project, 999), 404);
  const reviewers = await gitlab.MergeRequests.showReviewers(town.project, town.reviewed);
  assert.deepEqual(reviewers.map((one) => [one.user.username, one.state]), [["rita", "requested_changes"]]);
  const { approved_by: approvals } = await gitlab.MergeRequestApprovals.showConfiguration(town.project, { mergerequestIId: town.reviewed });
  assert.deepEqual(approvals.map((one) => [one.user.username, Number.isNaN(Date.parse(one.approved_at))]), [["ravi", false]]);
  assert.equal(await gitlab.RepositoryFiles.showRaw(town.project, "docs/CODEOWNERS", "main"), "* @rita\n");
  await refused(gitlab.RepositoryFiles.showRaw(town.project, "CODEOWNERS", "main"), 404);
  const files = await gitlab.MergeRequests.allDiffs(town.project, town.reviewed, { perPage: 100 });
  assert.deepEqual([files.length, files[0].new_path, files[119].new_path], [120, "src/part_000.rs", "src/part_119.rs"]);
}

async function shaping(gitlab, town) {
  const edit = (options) => gitlab.MergeRequests.edit(town.project, town.fresh, options);
  const { rita, ravi } = town.ids;
  assert.deepEqual(names((await edit({ reviewerIds: [rita, ravi] })).reviewers), ["ravi", "rita"]);
  assert.deepEqual(names((await edit({ reviewerIds: [rita] })).reviewers), ["rita"]);
  assert.deepEqual((await edit({ reviewerIds: [0] })).reviewers, []);
  const added = await edit({ addLabels: "support-review::reviewing,new and shiny" });
  assert.deepEqual(added.labels, ["bug", "new and shiny", "support-review::reviewing"]);
  const left = await edit({ addLabels: "support-review::with-author", removeLabels: "new and shiny" });
  assert.deepEqual(left.labels, ["bug", "support-review::with-author"]);
}

async function notes(gitlab, town) {
  const place = [town.project, town.fresh];
  const note = await gitlab.MergeRequestNotes.create(...place, "<!-- usher:status -->\nOne");
  await gitlab.MergeRequestNotes.edit(...place, note.id, { body: "<!-- usher:status -->\nTwo" });
  const found = await gitlab.MergeRequestNotes.all(...place, { sort: "desc", orderBy: "created_at" });
  const written = found.filter((one) => !one.system).map((one) => [one.id, one.author.id, one.body]);
  assert.deepEqual(written, [[note.id, town.bot.id, "<!-- usher:status -->\nTwo"]]);
  const discussions = await gitlab.MergeRequestDiscussions.all(...place);
  const all = discussions.flatMap((one) => one.notes.map((own) => [own.id, own.resolvable]));
  assert.deepEqual(all.filter(([id]) => id === note.id), [[note.id, false]]);
  const award = () => gitlab.MergeRequestNoteAwardEmojis.award(...place, note.id, "thumbsup");
  assert.equal((await award()).name, "thumbsup");
  await refused(award(), 404);
}

async function hooks(gitlab, town) {
  const found = await gitlab.ProjectHooks.all(town.project);
  assert.deepEqual(found.map((hook) => [hook.id, hook.alert_status]), [[town.hook, "executable"]]);
  await settingUp(gitlab.ProjectHooks, town.project);
  await settingUp(gitlab.GroupHooks, "acme");
  const paths = (projects) => projects.map((project) => project.path_with_namespace);
  assert.deepEqual(paths(await gitlab.Groups.allProjects("acme", { includeSubgroups: true, archived: false })), [town.project]);
  assert.deepEqual(paths(await gitlab.Projects.all({ membership: true, pagination: "offset" })), [town.project, town.own_project]);
}

async function settingUp(api, place) {
  const url = "https://hooks.example.com/new";
  const hook = await api.add(place, url, { token: "a token", mergeRequestsEvents: true, pushEvents: false });
  assert.deepEqual([hook.merge_requests_events, hook.push_events, hook.note_events, hook.token_present], [true, false, false, true]);
  // What is not given stays, except the token.
  const edited = await api.edit(place, hook.id, url, { noteEvents: true });
  assert.deepEqual([edited.merge_requests_events, edited.note_events, edited.token_present], [true, true, false]);
  // The client has no method for a test yet; its requester knows the way.
  await api.requester.post(`${encodeURIComponent(place)}/hooks/${hook.id}/test/merge_requests_events`);
  const { body: events } = await api.requester.get(`${encodeURIComponent(place)}/hooks/${hook.id}/events`);
  assert.ok(events.every((event) => typeof event.response_status === "string"), "how its deliveries went");
  await refused(api.add(place, "ftp://hooks.example.com"), 422);
  await api.remove(place, hook.id);
  assert.deepEqual((await api.all(place)).map((one) => one.id).includes(hook.id), false);
}
