// GitLab's own OpenAPI description, made from its source, as a judge.
//
// It is less careful than GitHub's: it seldom says that a member may be null, or must be there. So null is
// taken for "not told", and of answers the types are judged, and that what Usher reads is known at all.
import { Description, fromText } from "./description.mjs";
import { readBy } from "./used.mjs";

const PREFIX = "/api/v4";
/// What the description calls otherwise than GitLab has it.
const REPAIRS = [
  {
    why: "the array was forgotten: GitLab's doc/api/merge_requests.md shows a list, and so do recorded answers",
    repair: ({ paths }) => {
      const media = paths[`${PREFIX}/projects/{id}/merge_requests/{merge_request_iid}/reviewers`].get.responses[200].content["application/json"];
      media.schema = { type: "array", items: media.schema };
    },
  },
  {
    why: "the array was forgotten here, too: doc/api/merge_request_approvals.md shows a list",
    repair: ({ components: { schemas } }) => {
      const { properties } = schemas.APIEntitiesMergeRequestApprovals;
      properties.approved_by = { type: "array", items: properties.approved_by };
    },
  },
  {
    why: "every list takes them (doc/api/rest/_index.md, \"Pagination\"), this one does not say so",
    repair: ({ paths }) => {
      const paging = ["page", "per_page"].map((name) => ({ name, in: "query", schema: { type: "integer" } }));
      paths[`${PREFIX}/projects/{id}/merge_requests/{merge_request_iid}/reviewers`].get.parameters.push(...paging);
    },
  },
  {
    why: "the answer is not described; doc/api/project_webhooks.md and doc/api/group_webhooks.md show it",
    repair: ({ paths }) => {
      const text = { type: "string" };
      const properties = {
        id: { type: "integer" }, url: text, trigger: text, request_headers: { type: "object" }, request_data: { type: "object" },
        response_headers: { type: "object" }, response_body: text, execution_duration: { type: "number" }, response_status: text,
      };
      const schema = { type: "array", items: { type: "object", properties } };
      for (const place of ["projects", "groups"]) {
        const { responses } = paths[`${PREFIX}/${place}/{id}/hooks/{hook_id}/events`].get;
        responses[200].content = { "application/json": { schema } };
      }
    },
  },
];

export class GitLabDescription extends Description {
  constructor(document) {
    for (const { repair } of REPAIRS) repair(document);
    super("GitLab", document);
  }

  /// The operation of a call below the API's root.
  call(method, path) {
    return this.operation(method, PREFIX + path);
  }

  /// A body as the description speaks of it: forms have texts alone, and lists by brackets.
  body(found, { body, headers }) {
    if (body === "") return undefined;
    if (headers["content-type"]?.startsWith("application/json")) return JSON.parse(body);
    const wanted = this.resolve(this.resolve(found.operation.requestBody)?.content?.["application/json"]?.schema);
    const form = {};
    for (const [key, text] of new URLSearchParams(body)) {
      const name = key.replace(/\[\]$/, "");
      const schema = this.resolve(wanted?.properties?.[name] ?? {});
      const isList = [schema.type].flat().includes("array");
      const value = fromText(text, isList ? this.resolve(schema.items ?? {}) : schema);
      // Grape takes a comma between the entries of a list of texts, too.
      if (!isList) form[name] = value;
      else form[name] = [...(form[name] ?? []), ...(typeof value === "string" ? value.split(",") : [value])];
    }
    return form;
  }

  /// What is wrong with an answer of 2xx: its types. Refusals are described in words alone.
  judgeAnswer({ operation }, status, answer) {
    const good = [status, 200, 201, 204].map((one) => operation.responses[one]).find((one) => one !== undefined);
    const schema = this.resolve(good)?.content?.["application/json"]?.schema;
    if (!schema || answer === null || answer === undefined) return [];
    return this.judge(schema, told(answer), "answer", false);
  }

  /// What Usher reads of the answers to a row of README.md's, and the description does not have.
  undocumented({ operation }, row) {
    const answers = [200, 201].map((one) => this.resolve(operation.responses[one])?.content?.["application/json"]?.schema);
    const schemas = answers.filter((schema) => schema !== undefined);
    return readBy("GitLab", row)
      .filter((place) => !this.has(schemas, place.split("/")))
      .map((place) => `answer/${place} is read, and is not documented`);
  }

  has(schemas, [name, ...rest]) {
    if (name === undefined) return true;
    const all = this.alternatives(schemas);
    if (name === "*") return this.has(all.flatMap((schema) => schema.items ?? []), rest);
    const next = all.flatMap((schema) => (schema.properties?.[name] ? [schema.properties[name]] : []));
    return next.length > 0 && this.has(next, rest);
  }
}

/// A value without what is null in it.
function told(value) {
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(told);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null).map(([name, member]) => [name, told(member)]));
}
