// Do the judges judge? Good lines of the recording, each broken in one place: a verb, a field, a signature.
// The judge in charge must find that very fault in the broken line, and not in the whole one.
import { Exchanges, isUshers } from "./exchanges.mjs";
import { Faults } from "./faults.mjs";
import { Webhooks } from "./webhooks.mjs";

const isGood = (line, forge = "github") => isUshers(line) && line.forge === forge && !line.planned && line.status >= 200 && line.status < 300;
const call = (method, end) => (line) => isGood(line) && line.method === method && line.target.split("?")[0].endsWith(end);
const hook = (event) => (line) => line.kind === "webhook" && line.forge === "github" && line.event === event;
const rewritten = (key, from, to) => (line) => ({ ...line, [key]: line[key].replace(from, to) });
const answered = (change) => (line) => ({ ...line, answer: change(line.answer) });
const asked = (query, data) => (line) => ({ ...line, method: "POST", target: "/api/graphql", body: JSON.stringify({ query }), answer: { data } });
const onGitLab = (method, end, inBody = "") => (line) =>
  isGood(line, "gitlab") && line.method === method && end.test(line.target.split("?")[0]) && line.body.includes(inBody);
const query = (text) => onGitLab("POST", /\/graphql$/, text);
const entry = (change) => answered(([first, ...rest]) => [change(first), ...rest]);
const isComment = (line) => isGood(line) && line.method === "PATCH" && line.target.includes("/comments/");

/// Where, how, and what must be said of it.
const BREAKS = [
  // The verb that octocrab's own `update_comment` sends; GitHub has no such call.
  ["a verb", isComment, (line) => ({ ...line, method: "POST" }), "and not POST"],
  ["a path", call("POST", "/requested_reviewers"), rewritten("target", "requested_reviewers", "reviewers"), "GitHub documents no path like"],
  ["a call not in README.md", isComment, (line) => ({ ...line, method: "DELETE" }), "README.md does not list it"],
  ["a field of a request", call("POST", "/requested_reviewers"), rewritten("body", '"reviewers"', '"reviewer"'), "body/reviewer is not documented"],
  ["a required field of a request", isComment, rewritten("body", '"body"', '"text"'), "must have required property 'body'"],
  ["a type in a request", call("POST", "/labels"), rewritten("body", /\[.*\]/, "7"), "body/labels must be array"],
  ["a query parameter", call("GET", "/pulls"), rewritten("target", "direction=", "order="), "the query parameter `order` is not documented"],
  ["the value of one", call("GET", "/pulls"), rewritten("target", /state=\w+/, "state=opened"), "?state must be equal to one of the allowed values"],
  ["a field missing in an answer", call("POST", "/comments"), answered(({ id, ...rest }) => rest), "must have required property 'id'"],
  ["a field made up in an answer", call("GET", "/user"), answered((answer) => ({ ...answer, username: "x" })), "answer/username is not documented"],
  ["null in an answer", call("GET", "/user"), answered((answer) => ({ ...answer, login: null })), "answer/login must be string"],
  ["a status", call("POST", "/requested_reviewers"), (line) => ({ ...line, status: 200 }), "the status 200 is not documented"],
  ["a GraphQL query", call("GET", "/user"), asked("{ viewer { logins } }", { viewer: { logins: "x" } }), 'Cannot query field "logins"'],
  ["a GraphQL answer", call("GET", "/user"), asked("{ viewer { id login } }", { viewer: { id: "1" } }), "Cannot return null for non-nullable field User.login"],
  ["a field of a webhook", hook("pull_request"), rewritten("body", '"number"', '"iid"'), "must have required property 'number'"],
  ["a field made up in a webhook", hook("pull_request"), rewritten("body", '"sender"', '"author":1,"sender"'), "payload/author is not documented"],
  // GitLab, by its own description and schemas.
  ["a verb on GitLab", onGitLab("PUT", /\/notes\/\d+$/), (line) => ({ ...line, method: "PATCH" }), "and not PATCH"],
  ["a path on GitLab", onGitLab("PUT", /\/notes\/\d+$/), rewritten("target", "/notes/", "/comments/"), "GitLab documents no path like"],
  ["a field of a form", onGitLab("PUT", /\/merge_requests\/\d+$/, "add_labels"), rewritten("body", "add_labels", "put_labels"), "body/put_labels is not documented"],
  ["a type in a form", onGitLab("PUT", /\/merge_requests\/\d+$/, "reviewer_ids"), rewritten("body", /=\d+/, "=rita"), "body/reviewer_ids/* must be integer"],
  ["a required field of a form", onGitLab("PUT", /\/notes\/\d+$/), rewritten("body", /^body=/, "internal="), "body/internal is not documented"],
  ["a field of a webhook's form", onGitLab("POST", /\/hooks$/), rewritten("body", '"note_events"', '"notes_events"'), "body/notes_events is not documented"],
  ["a type in a webhook's form", onGitLab("POST", /\/hooks$/), rewritten("body", '"note_events":true', '"note_events":"yes"'), "body/note_events must be boolean"],
  ["a query parameter on GitLab", onGitLab("GET", /\/merge_requests$/), rewritten("target", "order_by=", "sort_by="), "the query parameter `sort_by` is not documented"],
  ["the value of one on GitLab", onGitLab("GET", /\/merge_requests$/), rewritten("target", /state=\w+/, "state=open"), "?state must be equal to one of the allowed values"],
  ["a type in GitLab's answer", onGitLab("GET", /\/user$/), answered((answer) => ({ ...answer, id: String(answer.id) })), "answer/id must be integer"],
  ["a time in GitLab's answer", onGitLab("GET", /\/reviewers$/, ""), entry((one) => ({ ...one, created_at: "soon" })), 'must match format "date-time"'],
  ["a list in GitLab's answer", onGitLab("GET", /\/merge_requests\/\d+\/notes$/), answered((answer) => ({ notes: answer })), "answer must be array"],
  ["an enum of GitLab's GraphQL", query("$appended"), rewritten("body", '"APPEND"', '"ADD"'), 'Value "ADD" does not exist in "MutationOperationMode" enum. (16.3)'],
  ["a field of GitLab's GraphQL", query("users(ids"), rewritten("body", "availability }", "available }"), 'Cannot query field "available" on type "UserStatus"'],
  ["a newer field of GitLab's GraphQL", query("mergeRequest(iid"), rewritten("body", "state", "changeRequesters { nodes { id } } state"), 'Cannot query field "changeRequesters" on type "MergeRequest". (16.3)'],
  ["an argument of GitLab's GraphQL", query("labels(searchTerm"), rewritten("body", "searchTerm: ", "search: "), 'Unknown argument "search" on field "Project.labels". '],
  ["an input of GitLab's GraphQL", query("$labelled"), rewritten("body", '"labelIds"', '"labels"'), 'Field "labels" is not defined by type "MergeRequestSetLabelsInput"'],
  ["an answer of GitLab's GraphQL", query("mergeRequest(iid"), answered((answer) => ({ data: { project: { mergeRequest: { ...answer.data.project.mergeRequest, state: "open" } } } })), 'Enum "MergeRequestState" cannot represent value: "open"'],
  ["a signature", hook("issue_comment"), (line) => ({ ...line, secret: `${line.secret}x` }), "the signature is wrong"],
];

/// Whether a break changes the line at all.
function spoilsSomething(line, spoil) {
  try {
    return JSON.stringify(spoil(line)) !== JSON.stringify(line);
  } catch {
    return false;
  }
}

/// The sentences about breaks that no judge found, and how many there were.
export async function unfound(lines, court) {
  const silent = [];
  const [exchanges, webhooks] = [new Exchanges(court), new Webhooks(court)];
  for (const [name, pick, spoil, says] of BREAKS) {
    const line = lines.find((one) => pick(one) && spoilsSomething(one, spoil));
    const told = async (one) => {
      for (const judge of [exchanges, webhooks]) judge.faults = new Faults();
      exchanges.judge(one, "usher");
      await webhooks.judge(one);
      return [exchanges, webhooks].some((judge) => [...judge.faults.found.keys()].some((fault) => fault.includes(says)));
    };
    if (!line) silent.push(`${name}: nothing to break was recorded`);
    else if (await told(line)) silent.push(`${name}: the judge says \`${says}\` of the whole line too`);
    else if (!(await told(spoil(line)))) silent.push(`${name} was broken, and no judge said \`${says}\``);
  }
  return { silent, tried: BREAKS.length };
}
