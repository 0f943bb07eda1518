// Judges the recorded exchanges: those of Usher and of the clients by others with the fake forges.
//   node exchanges.mjs DESCRIPTION README FOLDER-OF-USHER FOLDER-OF-CLIENTS
//
// Of GitHub every request of Usher's and every answer of the fake's is held against GitHub's own
// description; GitLab has none, there the clients by others are the judges. On both, every call of Usher's
// is one of README.md's, and every call of README.md's was made by Usher and by each client, and went well.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Description } from "./description.mjs";
import { Faults } from "./faults.mjs";
import { GraphqlSchema } from "./graphql.mjs";
import { calls, rowOf } from "./table.mjs";

const [descriptionFile, page, usherFolder, clientsFolder] = process.argv.slice(2);
const description = new Description(descriptionFile);
const graphql = new GraphqlSchema();
const table = calls(page);
const ROOTS = { github: "/api/v3", gitlab: "/gl/api/v4" };
const NAMES = { github: "GitHub", gitlab: "GitLab" };
const GRAPHQL = { github: "/api/graphql", gitlab: "/gl/api/graphql" };

const EXCEPTIONS = [
  {
    fault: /labels\/\*\/description must be string/,
    why: "`pull-request-simple` says string; `pull-request`, which is the same labels read singly, and `label` in the same description say that it may be null",
  },
];

const faults = new Faults(EXCEPTIONS);
const made = new Map();
let judged = 0;

for (const file of readdirSync(usherFolder)) read(join(usherFolder, file), "usher");
for (const file of readdirSync(clientsFolder)) read(join(clientsFolder, file), file.replace(/\.jsonl$/, ""));
for (const [who, { forge, rows }] of made) {
  const never = table[NAMES[forge]].filter((row) => !rows.has(row.name));
  faults.add(`${who} on ${NAMES[forge]}`, never.map((row) => `${row.name} was never made with success`));
}
for (const [forge, root] of Object.entries(ROOTS)) {
  if (![...made.keys()].includes(`usher ${forge}`)) faults.add(NAMES[forge], [`no exchange of Usher's below ${root} was recorded`]);
}
if (!faults.tell()) process.exit(1);
console.log(`${judged} exchanges are as GitHub and README.md have them`);

function read(file, who) {
  for (const line of readFileSync(file, "utf8").split("\n")) {
    if (!line.includes('"kind":"exchange"')) continue;
    const exchange = JSON.parse(line);
    // Tests play other people too, with requests of their own making.
    if (who === "usher" && !exchange.headers["user-agent"]?.startsWith("usher/")) continue;
    judged += 1;
    judge(exchange, who);
  }
}

function judge(exchange, who) {
  const { forge, method, target, status } = exchange;
  const [whole, queryText = ""] = target.split("?");
  const isGraphql = whole === GRAPHQL[forge];
  const path = isGraphql ? "/graphql" : whole.slice(ROOTS[forge].length);
  const example = `${method} ${target} → ${status ?? "no answer"}`;
  const row = rowOf(table[NAMES[forge]], method, path);
  if (who === "usher" && !row) {
    faults.add(`${method} ${path}`, ["Usher makes this call, and README.md does not list it"], example);
  }
  const key = `${who} ${forge}`;
  if (!made.has(key)) made.set(key, { forge, rows: new Set() });
  if (row && !exchange.planned && status >= 200 && status < 300) made.get(key).rows.add(row.name);
  if (forge !== "github") return;
  const answered = status !== null && status !== 304 && !exchange.planned;
  const body = exchange.body === "" ? undefined : JSON.parse(exchange.body);
  if (isGraphql) {
    faults.add("GraphQL request", graphql.judgeRequest(body), exchange.body);
    if (answered && status === 200) faults.add("GraphQL answer", graphql.judgeAnswer(body, exchange.answer), exchange.body);
    return;
  }
  const found = description.operation(method, path);
  // An undocumented call is the caller's fault; the fake's 404 to it is right.
  if (found.fault) return who === "usher" ? faults.add(`${method} ${path}`, [found.fault], example) : undefined;
  const place = `${method} ${found.template}`;
  // Clients by others may send what they like; the fake has to answer right.
  if (who === "usher") {
    faults.add(`${place}, request`, description.judgeRequest(found, [...new URLSearchParams(queryText)], body), `${example} ${exchange.body}`);
  }
  if (answered) faults.add(`${place}, answer ${status}`, description.judgeAnswer(found, status, exchange.answer), example);
}
