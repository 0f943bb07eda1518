// Judges the webhooks that the fake GitHub sent: the signature with @octokit/webhooks-methods, the payload
// with @octokit/webhooks-schemas, which was read off real deliveries, and with GitHub's own description.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { verify } from "@octokit/webhooks-methods";
import Ajv from "ajv";
import addFormats from "ajv-formats";
import { Faults } from "./faults.mjs";

/// What Usher reads and people on the sandbox can do; one that the fake never sent was not judged.
const EVENTS = ["issue_comment$created", "issue_comment$deleted", "issue_comment$edited", "membership$added", "membership$removed",
  "ping", "pull_request$closed", "pull_request$converted_to_draft", "pull_request$edited", "pull_request$labeled",
  "pull_request$opened", "pull_request$ready_for_review", "pull_request$reopened", "pull_request$review_request_removed",
  "pull_request$review_requested", "pull_request$synchronize", "pull_request$unlabeled",
  "pull_request_review$dismissed", "pull_request_review$submitted"];
/// Members that GitHub's description has and @octokit/webhooks-schemas, which is older, has not.
const NEWER = ["user_view_type"];

export class Webhooks {
  constructor({ description }) {
    Object.assign(this, { description, faults: new Faults(), seen: new Set(), judged: 0 });
    this.schema = JSON.parse(readFileSync(createRequire(import.meta.url).resolve("@octokit/webhooks-schemas")));
    // One definition serves an event's `repository`, which has custom properties, and those of a pull
    // request's branches, which in GitHub's description have none.
    const { repository } = this.schema.definitions;
    repository.required = repository.required.filter((name) => name !== "custom_properties");
    this.ajv = addFormats(new Ajv({ strict: false, allErrors: true }));
    this.ajv.addSchema(this.schema, "webhooks");
  }

  async judge(line) {
    if (line.kind !== "webhook" || line.forge !== "github") return;
    this.judged += 1;
    const { event, headers, body, secret } = line;
    const payload = JSON.parse(body);
    const name = payload.action ? `${event}$${payload.action}` : event;
    this.seen.add(name);
    const header = (wanted) => Object.entries(headers).find(([key]) => key.toLowerCase() === wanted)?.[1];
    const signature = header("x-hub-signature-256");
    if (secret ? !signature || !(await verify(secret, body, signature)) : signature) this.faults.add(name, ["the signature is wrong"]);
    if (secret && (await verify(secret, `${body} `, signature))) this.faults.add(name, ["the signature fits another body too"]);
    for (const wanted of ["x-github-event", "x-github-delivery", "x-github-hook-id"]) {
      if (!header(wanted)) this.faults.add(name, [`the header ${wanted} is missing`]);
    }
    this.faults.add(`${name} by GitHub's description`, this.description.judgeWebhook(event, payload));
    this.faults.add(name, this.judgePayload(name, body));
  }

  judgePayload(name, body) {
    const definition = [name, `${name}$event`, `${name}_event`].find((one) => this.schema.definitions[one]);
    if (!definition) return ["@octokit/webhooks-schemas knows no such event"];
    const validate = this.ajv.getSchema(`webhooks#/definitions/${definition}`);
    const known = JSON.parse(body, (key, value) => (NEWER.includes(key) ? undefined : value));
    return validate(known) ? [] : validate.errors.map((error) => `${error.instancePath} ${error.message} ${JSON.stringify(error.params)}`);
  }

  /// After the last line: what was never sent.
  close() {
    const never = EVENTS.filter((event) => !this.seen.has(event));
    this.faults.add("GitHub's webhooks", never.map((event) => `${event} was never sent`));
    return this.faults;
  }
}
