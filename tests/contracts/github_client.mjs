// @octokit/rest goes through every call that Usher makes on GitHub, against the fake one.
//   node github_client.mjs RECORD
import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { Octokit } from "@octokit/rest";
import { withCompany } from "./sandbox.mjs";

const logins = (people) => people.map((person) => person.login).sort();
const names = (labels) => labels.map((label) => label.name).sort();
const refused = (promise, status) => assert.rejects(promise, (error) => error.status === status);

await withCompany("github", process.argv[2], async (town) => {
  // Refusals are asked for here; nobody needs to read of them.
  const log = { debug() {}, info() {}, warn: console.warn, error() {} };
  const octokit = new Octokit({ baseUrl: town.url, auth: town.token, log });
  const [owner, repo] = town.project.split("/");
  const pull = (pull_number) => ({ owner, repo, pull_number });
  const issue = (issue_number) => ({ owner, repo, issue_number });
  await app(town, log);
  await people(octokit, town);
  await lists(octokit, town, { owner, repo });
  await access(octokit, { owner, repo });
  await setup(octokit, town, { owner, repo });
  await reading(octokit, pull(town.reviewed));
  await reviewers(octokit, pull(town.fresh));
  await labels(octokit, issue(town.fresh));
  await comments(octokit, { owner, repo }, issue(town.fresh), town);
  await hooks(octokit.repos, { owner, repo });
  await hooks(octokit.orgs, { org: "acme" });
  await redelivery(octokit.orgs, { org: "acme" });
});
console.log("@octokit/rest finds its way on the fake GitHub");

async function app(town, log) {
  const now = Math.floor(Date.now() / 1000);
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = `${part({ alg: "RS256", typ: "JWT" })}.${part({ iat: now - 60, exp: now + 540, iss: String(town.app.id) })}`;
  const jwt = `${claims}.${sign("sha256", Buffer.from(claims), town.app.private_key).toString("base64url")}`;
  const octokit = new Octokit({ baseUrl: town.url, auth: jwt, log });
  const { data: self } = await octokit.apps.getAuthenticated();
  assert.equal(`${self.slug}[bot]`, town.app.bot);
  const { data: hook } = await octokit.apps.getWebhookConfigForApp();
  assert.deepEqual([hook.url, hook.content_type], [undefined, "json"]);
  const found = await octokit.paginate(octokit.apps.listInstallations);
  assert.deepEqual(found.map((one) => [one.account.login, one.suspended_at]), [["acme", null]]);
  const { data: granted } = await octokit.apps.createInstallationAccessToken({ installation_id: found[0].id });
  assert.ok(new Date(granted.expires_at) > new Date());
  const { data: failed } = await octokit.apps.listWebhookDeliveries({ status: "failure", per_page: 100 });
  assert.deepEqual(failed.map((one) => [one.status_code, one.redelivery]), [[502, false]]);
  const again = await octokit.apps.redeliverWebhookDelivery({ delivery_id: failed[0].id });
  assert.equal(again.status, 202);
  const acting = new Octokit({ baseUrl: town.url, auth: granted.token, log });
  const seen = await acting.paginate(acting.apps.listReposAccessibleToInstallation, { per_page: 1 });
  assert.deepEqual(seen.map((one) => one.full_name), [town.project]);
  await refused(acting.users.getAuthenticated(), 403);
  await refused(new Octokit({ baseUrl: town.url, auth: `${jwt}x`, log }).apps.getAuthenticated(), 401);
}

async function people(octokit, town) {
  assert.equal((await octokit.users.getAuthenticated()).data.id, town.bot.id);
  assert.equal((await octokit.users.getByUsername({ username: "rita" })).data.id, town.ids.rita);
  assert.equal((await octokit.users.getById({ account_id: town.ids.rita })).data.login, "rita");
  await refused(octokit.users.getByUsername({ username: "nobody" }), 404);
  const team = await octokit.paginate(octokit.teams.listMembersInOrg, { org: "acme", team_slug: "support", per_page: 1 });
  assert.deepEqual(logins(team), ["sam", "siobhan"]);
  const all = await octokit.paginate(octokit.orgs.listMembers, { org: "acme", per_page: 1 });
  assert.deepEqual(logins(all), ["sam", "siobhan"]);
}

async function lists(octokit, town, place) {
  const paths = (repositories) => repositories.map((one) => one.full_name).sort();
  assert.deepEqual(paths(await octokit.paginate(octokit.repos.listForOrg, { org: "acme" })), [town.project]);
  await refused(octokit.repos.listForOrg({ org: "lena" }), 404);
  const seen = await octokit.paginate(octokit.repos.listForAuthenticatedUser, { per_page: 1 });
  assert.deepEqual(paths(seen), [town.project, town.own_project]);
  const found = await octokit.search.issuesAndPullRequests({ q: "is:pr is:open archived:false org:acme", sort: "created", order: "asc" });
  assert.deepEqual(found.data.items.map((issue) => issue.number), [town.fresh, town.reviewed]);
  assert.equal((await octokit.repos.get(place)).data.full_name, town.project);
  const opened = await octokit.paginate(octokit.pulls.list, { ...place, state: "open", sort: "created", direction: "asc", per_page: 1 });
  assert.deepEqual(opened.map((pull) => pull.number), [town.fresh, town.reviewed]);
  const { data: updated } = await octokit.pulls.list({ ...place, state: "all", sort: "updated", direction: "desc" });
  assert.equal(updated[0].number, town.reviewed);
}

async function access(octokit, place) {
  const { data } = await octokit.repos.get(place);
  assert.deepEqual([data.private, data.allow_forking, data.has_pull_requests, data.permissions.maintain], [true, true, true, true]);
  const all = await octokit.paginate(octokit.repos.listCollaborators, { ...place, per_page: 1 });
  const roles = Object.fromEntries(all.map((one) => [one.login, [one.role_name, one.permissions.push]]));
  assert.deepEqual([roles.rita, roles.usher], [["write", true], ["admin", true]]);
}

async function setup(octokit, town, place) {
  const { data } = await octokit.repos.get(place);
  assert.deepEqual([data.full_name, data.archived, data.permissions.push, data.permissions.admin], [town.project, false, true, true]);
  const there = await octokit.paginate(octokit.issues.listLabelsForRepo, { ...place, per_page: 1 });
  assert.ok(names(there).includes("bug"));
  const hooks = await octokit.paginate(octokit.repos.listWebhooks, place);
  assert.deepEqual(hooks.map((hook) => [hook.id, hook.active]), [[town.hook, true]]);
  const wide = await octokit.paginate(octokit.orgs.listWebhooks, { org: place.owner });
  assert.deepEqual(wide.map((hook) => hook.active), [true]);
}

async function reading(octokit, pull) {
  const { data, headers } = await octokit.pulls.get(pull);
  assert.deepEqual([data.user.login, data.draft, data.merged, data.state, data.comments], ["sam", false, false, "open", 0]);
  assert.deepEqual(data.requested_reviewers, []);
  await refused(octokit.pulls.get({ ...pull, headers: { "if-none-match": headers.etag } }), 304);
  const files = await octokit.paginate(octokit.pulls.listFiles, { ...pull, per_page: 100 });
  assert.deepEqual([files.length, files[0].filename, files[0].additions, files[0].deletions], [120, "src/part_000.rs", 3, 1]);
  const { owner, repo } = pull;
  const file = { owner, repo, path: "docs/CODEOWNERS", ref: "main" };
  const { data: raw } = await octokit.repos.getContent({ ...file, mediaType: { format: "raw" } });
  assert.equal(raw, "* @rita\n");
  await refused(octokit.repos.getContent({ ...file, path: "CODEOWNERS" }), 404);
  const reviews = await octokit.paginate(octokit.pulls.listReviews, pull);
  assert.deepEqual(reviews.map((review) => [review.user.login, review.state]), [["rita", "CHANGES_REQUESTED"]]);
  const { data: review } = await octokit.pulls.getReview({ ...pull, review_id: reviews[0].id });
  assert.equal(review.node_id, reviews[0].node_id);
}

async function reviewers(octokit, pull) {
  const asked = await octokit.pulls.requestReviewers({ ...pull, reviewers: ["rita", "ravi"] });
  assert.deepEqual(logins(asked.data.requested_reviewers), ["ravi", "rita"]);
  const left = await octokit.pulls.removeRequestedReviewers({ ...pull, reviewers: ["ravi"] });
  assert.deepEqual(logins(left.data.requested_reviewers), ["rita"]);
  await refused(octokit.pulls.requestReviewers({ ...pull, reviewers: ["sam"] }), 422);
  await refused(octokit.pulls.requestReviewers({ ...pull, reviewers: ["olga"] }), 422);
}

async function labels(octokit, issue) {
  const added = await octokit.issues.addLabels({ ...issue, labels: ["support-review::reviewing", "new and shiny"] });
  assert.deepEqual(names(added.data), ["bug", "new and shiny", "support-review::reviewing"]);
  const look = { owner: issue.owner, repo: issue.repo, name: "new and shiny", color: "5319e7", description: "Made by hand" };
  assert.equal((await octokit.issues.updateLabel(look)).data.color, "5319e7");
  assert.ok((await octokit.rateLimit.get()).data.resources.core.limit > 0);
  const left = await octokit.issues.removeLabel({ ...issue, name: "new and shiny" });
  assert.deepEqual(names(left.data), ["bug", "support-review::reviewing"]);
  await refused(octokit.issues.removeLabel({ ...issue, name: "never there" }), 404);
}

async function comments(octokit, place, issue, town) {
  const { data: comment } = await octokit.issues.createComment({ ...issue, body: "<!-- usher:status -->\nOne" });
  await octokit.issues.updateComment({ ...place, comment_id: comment.id, body: "<!-- usher:status -->\nTwo" });
  const found = await octokit.paginate(octokit.issues.listComments, issue);
  assert.deepEqual(found.map((one) => [one.id, one.user.id, one.body]), [[comment.id, town.bot.id, "<!-- usher:status -->\nTwo"]]);
  const react = () => octokit.reactions.createForIssueComment({ ...place, comment_id: comment.id, content: "+1" });
  const [first, second] = [await react(), await react()];
  assert.deepEqual([first.status, second.status, second.data.id], [201, 200, first.data.id]);
  await refused(octokit.reactions.createForIssueComment({ ...place, comment_id: comment.id, content: "thumbsup" }), 422);
}

async function hooks(api, place) {
  const before = await api.listWebhooks(place);
  assert.deepEqual(before.data.map((hook) => hook.config.secret), ["********"]);
  const config = { url: "https://hooks.example.com/new", content_type: "json", insecure_ssl: "0", secret: "a secret" };
  const { data: hook } = await api.createWebhook({ ...place, name: "web", config, events: ["pull_request"] });
  assert.deepEqual([hook.active, hook.events, hook.config.secret], [true, ["pull_request"], "********"]);
  await refused(api.createWebhook({ ...place, name: "web", config }), 422);
  const one = { ...place, hook_id: hook.id };
  // Without the secret, `config` takes it away.
  const edited = await api.updateWebhook({ ...one, config: { url: config.url, content_type: "form" }, events: ["issue_comment"], active: false });
  assert.deepEqual([edited.data.active, edited.data.events, edited.data.config.secret], [false, ["issue_comment"], undefined]);
  assert.deepEqual((await api.listWebhookDeliveries(one)).data, []);
  assert.equal((await api.deleteWebhook(one)).status, 204);
  assert.equal((await api.listWebhooks(place)).data.length, before.data.length);
}

async function redelivery(api, place) {
  const [{ id: hook_id }] = (await api.listWebhooks(place)).data;
  const { data: failed } = await api.listWebhookDeliveries({ ...place, hook_id, status: "failure" });
  assert.deepEqual(failed.map((one) => one.status_code), [502]);
  const again = await api.redeliverWebhookDelivery({ ...place, hook_id, delivery_id: failed[0].id });
  assert.equal(again.status, 202);
  await refused(api.redeliverWebhookDelivery({ ...place, hook_id, delivery_id: 1 }), 404);
}
