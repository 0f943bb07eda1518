// Judges the recorded exchanges: those of Usher and of the clients by others with the fake forges.
//
// Every request of Usher's and every answer of the fakes' is held against the forge's own description, of
// GitLab also what Usher reads of the answers. On both forges, every call of Usher's is one of README.md's, and every call of README.md's
// was made by Usher and by each client, and went well.
import { Faults } from "./faults.mjs";
import { rowOf } from "./table.mjs";
import { unmatched } from "./used.mjs";

const ROOTS = { github: "/api/v3", gitlab: "/gl/api/v4" };
const NAMES = { github: "GitHub", gitlab: "GitLab" };
const GRAPHQL = { github: "/api/graphql", gitlab: "/gl/api/graphql" };
const EXCEPTIONS = [
  {
    fault: /members.*: answer(\/\*)?\/access_level must be string/,
    why: "GitLab's doc/api/members.md has a number, as have its recorded answers; only the description says string",
  },
  {
    fault: /personal_access_tokens\/self, answer 200: answer\/expires_at must match format "date-time"/,
    why: "it is a day (doc/api/personal_access_tokens.md: \"2023-01-01\"); the description makes every `expires_at` a time",
  },
  {
    fault: /answer(\/\*)?\/(shared_with_groups\/\*|permissions\/(project|group)_access)\/\w+ is read, and is not documented/,
    why: "the description has these members as objects without anything in them; doc/api/projects.md shows what is there",
  },
  {
    fault: /GET \/api\/v4\/(users\/\{user_id\}\/)?projects: answer\/\*\/archived is read, and is not documented/,
    why: "the description has the short form, `simple=true`; whoever signs in gets the long one (doc/api/projects.md)",
  },
  {
    fault: /GET \/app\/installations, answer 200: answer\/\*\/account must (have required property '(name|slug|created_at|updated_at)'|be null|match a schema in anyOf)/,
    why: "`GET /app/installations` wants an account that is a user and an enterprise at once (`allOf`); the schema `installation`, which it repeats, says one of them (`anyOf`)",
  },
  {
    fault: /answer 307: the status 307 is not documented/,
    why: "any request may be redirected with 301, 302 or 307 (GitHub's rest/using-the-rest-api/best-practices.md, \"Follow redirects\"); a write for a repository that was renamed is, with 307",
  },
  {
    fault: /labels\/\*\/description must be string/,
    why: "`pull-request-simple` says string; `pull-request`, which has the same labels, and `label` in the same description say that it may be null",
  },
];

/// Whether Usher sent it. Tests play other people too, with requests of their own making.
export const isUshers = (line) => line.kind === "exchange" && line.headers["user-agent"]?.startsWith("usher/");

export class Exchanges {
  constructor(court) {
    Object.assign(this, court, { made: new Map(), read: new Set(), judged: { github: 0, gitlab: 0 } });
    this.faults = new Faults(EXCEPTIONS);
  }

  /// `who` is `usher` or the name of a client.
  judge(line, who) {
    if (line.kind !== "exchange" || (who === "usher" && !isUshers(line))) return;
    const { forge, method, target, status } = line;
    this.judged[forge] += 1;
    const [whole, query = ""] = target.split("?");
    const isGraphql = whole === GRAPHQL[forge];
    const path = isGraphql ? "/graphql" : whole.slice(ROOTS[forge].length);
    const example = `${method} ${target} → ${status ?? "no answer"}`;
    // A redirect leads to a repository by its number; the description has such paths by name only.
    const named = forge === "github" ? path.replace(/^\/repositories\/\d+/, "/repos/owner/name") : path;
    const row = rowOf(this.table[NAMES[forge]], method, named);
    if (who === "usher" && !row) {
      this.faults.add(`${method} ${path}`, ["Usher makes this call, and README.md does not list it"], example);
    }
    const key = `${who} on ${NAMES[forge]}`;
    if (!this.made.has(key)) this.made.set(key, { forge, rows: new Set() });
    if (row && !line.planned && status >= 200 && status < 300) this.made.get(key).rows.add(row.name);
    const context = { who, path: named, query, example, row };
    // Clients by others may send to GraphQL what they like.
    if (isGraphql) this.judgeGraphql(line, forge === "github" ? this.graphql : this.gitlabGraphql);
    else if (forge === "github") this.judgeRest(line, context);
    else this.judgeGitLab(line, context);
  }

  /// GitLab's description says nothing about refusals, and of a form's body it speaks as of JSON.
  judgeGitLab(line, { who, path, query, example, row }) {
    const { method, status, answer, planned } = line;
    const found = this.gitlab.call(method, path);
    const place = found.fault ? `${method} ${path}` : `${method} ${found.template}`;
    if (who === "usher") {
      if (found.fault) return void this.faults.add(place, [found.fault], example);
      const body = this.gitlab.body(found, line);
      this.faults.add(`${place}, request`, this.gitlab.judgeRequest(found, [...new URLSearchParams(query)], body), `${example} ${line.body}`);
    }
    if (found.fault || planned || !row || status === null || status < 200 || status > 299) return;
    this.faults.add(`${place}, answer ${status}`, this.gitlab.judgeAnswer(found, status, answer), example);
    if (!this.read.has(row.name)) this.faults.add(place, this.gitlab.undocumented(found, row.name), example);
    this.read.add(row.name);
  }

  judgeRest(line, { who, path, query, example }) {
    const { method, status } = line;
    const found = this.description.operation(method, path);
    if (found.fault) {
      // An undocumented call of somebody else's is their fault; the fake's 404 to it is right.
      if (who === "usher") this.faults.add(`${method} ${path}`, [found.fault], example);
      return;
    }
    const place = `${method} ${found.template}`;
    // Clients by others may send what they like; the fake has to answer right.
    if (who === "usher") {
      const body = line.body === "" ? undefined : JSON.parse(line.body);
      this.faults.add(`${place}, request`, this.description.judgeRequest(found, [...new URLSearchParams(query)], body), `${example} ${line.body}`);
    }
    // A file as it is has no schema: it is whatever it is.
    const isRaw = status === 200 && line.headers.accept?.includes("raw");
    if (isRaw && line.answer !== null) this.faults.add(place, ["asked for a file as it is, and got JSON"], example);
    if (status !== null && status !== 304 && !line.planned && !isRaw) {
      this.faults.add(`${place}, answer ${status}`, this.description.judgeAnswer(found, status, line.answer), example);
    }
  }

  judgeGraphql({ body, status, answer, planned }, schema) {
    const request = JSON.parse(body);
    const wrong = schema.judgeRequest(request);
    this.faults.add("GraphQL request", wrong, body);
    if (!wrong.length && status === 200 && !planned) this.faults.add("GraphQL answer", schema.judgeAnswer(request, answer), body);
  }

  /// After the last line: what of README.md's was never made.
  close() {
    this.faults.add("README.md", unmatched(this.table));
    this.faults.add("GraphQL on GitLab", this.gitlabGraphql.close());
    for (const forge of Object.values(NAMES)) {
      if (!this.made.has(`usher on ${forge}`)) this.faults.add(forge, ["no exchange of Usher's was recorded"]);
    }
    for (const [who, { forge, rows }] of this.made) {
      // The clients by others are for REST; queries have judges of their own.
      const asked = (row) => who.startsWith("usher ") || (row.path !== "/graphql" && !row.alone);
      const never = this.table[NAMES[forge]].filter((row) => asked(row) && !rows.has(row.name));
      this.faults.add(who, never.map((row) => `${row.name} was never made with success`));
    }
    return this.faults;
  }
}
