// @octokit/rest goes through every call that Usher makes on GitHub, against the fake one.
//   node github_client.mjs RECORD
import assert from "node:assert/strict";
import { Octokit } from "@octokit/rest";
import { withCompany } from "./sandbox.mjs";

const logins = (people) => people.map((person) => person.login).sort();
const names = (labels) => labels.map((label) => label.name).sort();
const refused = (promise, status) => assert.rejects(promise, (error) => error.status === status);

await withCompany("github", process.argv[2], async (town) => {
  const octokit = new Octokit({ baseUrl: town.url, auth: town.token });
  const [owner, repo] = town.project.split("/");
  const change = (number) => ({ owner, repo, pull_number: number, issue_number: number });
  await people(octokit, town);
  await lists(octokit, town, { owner, repo });
  await reading(octokit, change(town.reviewed));
  await reviewers(octokit, change(town.fresh));
  await labels(octokit, change(town.fresh));
  await comments(octokit, change(town.fresh), town);
});
console.log("@octokit/rest finds its way on the fake GitHub");

async function people(octokit, town) {
  assert.equal((await octokit.users.getAuthenticated()).data.id, town.bot.id);
  assert.equal((await octokit.users.getByUsername({ username: "rita" })).data.id, town.ids.rita);
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
  const opened = await octokit.paginate(octokit.pulls.list, { ...place, state: "open", sort: "created", direction: "asc", per_page: 1 });
  assert.deepEqual(opened.map((pull) => pull.number), [town.fresh, town.reviewed]);
  const { data: updated } = await octokit.pulls.list({ ...place, state: "all", sort: "updated", direction: "desc" });
  assert.equal(updated[0].number, town.reviewed);
}

async function reading(octokit, change) {
  const { data: pull, headers } = await octokit.pulls.get(change);
  assert.deepEqual([pull.user.login, pull.draft, pull.merged, pull.state, pull.comments], ["sam", false, false, "open", 0]);
  assert.deepEqual(pull.requested_reviewers, []);
  await refused(octokit.pulls.get({ ...change, headers: { "if-none-match": headers.etag } }), 304);
  const files = await octokit.paginate(octokit.pulls.listFiles, { ...change, per_page: 100 });
  assert.deepEqual([files.length, files[0].filename, files[0].additions, files[0].deletions], [120, "src/part_000.rs", 3, 1]);
  const reviews = await octokit.paginate(octokit.pulls.listReviews, change);
  assert.deepEqual(reviews.map((review) => [review.user.login, review.state]), [["rita", "CHANGES_REQUESTED"]]);
}

async function reviewers(octokit, change) {
  const asked = await octokit.pulls.requestReviewers({ ...change, reviewers: ["rita", "ravi"] });
  assert.deepEqual(logins(asked.data.requested_reviewers), ["ravi", "rita"]);
  const left = await octokit.pulls.removeRequestedReviewers({ ...change, reviewers: ["ravi"] });
  assert.deepEqual(logins(left.data.requested_reviewers), ["rita"]);
  await refused(octokit.pulls.requestReviewers({ ...change, reviewers: ["sam"] }), 422);
  await refused(octokit.pulls.requestReviewers({ ...change, reviewers: ["olga"] }), 422);
}

async function labels(octokit, change) {
  const added = await octokit.issues.addLabels({ ...change, labels: ["support-review::reviewing", "new and shiny"] });
  assert.deepEqual(names(added.data), ["bug", "new and shiny", "support-review::reviewing"]);
  const left = await octokit.issues.removeLabel({ ...change, name: "new and shiny" });
  assert.deepEqual(names(left.data), ["bug", "support-review::reviewing"]);
  await refused(octokit.issues.removeLabel({ ...change, name: "never there" }), 404);
}

async function comments(octokit, change, town) {
  const { data: comment } = await octokit.issues.createComment({ ...change, body: "<!-- usher:status -->\nOne" });
  await octokit.issues.updateComment({ ...change, comment_id: comment.id, body: "<!-- usher:status -->\nTwo" });
  const found = await octokit.paginate(octokit.issues.listComments, change);
  assert.deepEqual(found.map((one) => [one.id, one.user.id, one.body]), [[comment.id, town.bot.id, "<!-- usher:status -->\nTwo"]]);
  const react = () => octokit.reactions.createForIssueComment({ ...change, comment_id: comment.id, content: "+1" });
  const [first, second] = [await react(), await react()];
  assert.deepEqual([first.status, second.status, second.data.id], [201, 200, first.data.id]);
  await refused(octokit.reactions.createForIssueComment({ ...change, comment_id: comment.id, content: "thumbsup" }), 422);
}
