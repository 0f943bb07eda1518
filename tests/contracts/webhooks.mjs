// Judges the webhooks that the fake GitHub sent: the signature with @octokit/webhooks-methods, the payload
// with @octokit/webhooks-schemas, which was read off real deliveries, and with GitHub's own description.
//   node webhooks.mjs DESCRIPTION FOLDER
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { verify } from "@octokit/webhooks-methods";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { Description } from "./description.mjs";
import { Faults } from "./faults.mjs";

/// Every event that Usher reads; one that the fake never sent was not judged.
const EVENTS = ["issue_comment$created", "membership$added", "membership$removed", "ping", "pull_request$closed",
  "pull_request$converted_to_draft", "pull_request$edited", "pull_request$labeled", "pull_request$opened",
  "pull_request$ready_for_review", "pull_request$reopened", "pull_request$review_request_removed",
  "pull_request$review_requested", "pull_request$synchronize", "pull_request$unlabeled",
  "pull_request_review$dismissed", "pull_request_review$submitted"];

/// Members that GitHub's description has and @octokit/webhooks-schemas, which is older, has not.
const NEWER = ["user_view_type"];

const [descriptionFile, folder] = process.argv.slice(2);
const description = new Description(descriptionFile);
const schema = JSON.parse(readFileSync(createRequire(import.meta.url).resolve("@octokit/webhooks-schemas")));
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema(schema, "webhooks");

const faults = new Faults();
const seen = new Set();
let judged = 0;
for (const file of readdirSync(folder)) {
  for (const line of readFileSync(join(folder, file), "utf8").split("\n")) {
    if (!line.includes('"kind":"webhook"') || !line.includes('"forge":"github"')) continue;
    await judge(JSON.parse(line));
  }
}
const never = EVENTS.filter((event) => !seen.has(event));
faults.add("GitHub's webhooks", never.map((event) => `${event} was never sent`));
if (!faults.tell()) process.exit(1);
console.log(`${judged} webhooks of the fake GitHub are signed and shaped as GitHub's`);

async function judge({ event, headers, body, secret }) {
  judged += 1;
  const payload = JSON.parse(body);
  const name = payload.action ? `${event}$${payload.action}` : event;
  seen.add(name);
  const header = (wanted) => Object.entries(headers).find(([key]) => key.toLowerCase() === wanted)?.[1];
  const signature = header("x-hub-signature-256");
  if (secret ? !signature || !(await verify(secret, body, signature)) : signature) faults.add(name, ["the signature is wrong"]);
  if (secret && (await verify(secret, `${body} `, signature))) faults.add(name, ["the signature fits another body too"]);
  for (const wanted of ["x-github-event", "x-github-delivery", "x-github-hook-id"]) {
    if (!header(wanted)) faults.add(name, [`the header ${wanted} is missing`]);
  }
  faults.add(`${name} by GitHub's description`, description.judgeWebhook(event, payload));
  const definition = schema.definitions[name] ? name : `${name}_event`;
  const validate = schema.definitions[definition] && ajv.getSchema(`webhooks#/definitions/${definition}`);
  if (!validate) return faults.add(name, ["@octokit/webhooks-schemas knows no such event"]);
  if (!validate(JSON.parse(body, (key, value) => (NEWER.includes(key) ? undefined : value)))) {
    faults.add(name, validate.errors.map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`));
  }
}
