// The judges of what both forges describe themselves, and of README.md's tables.
//   node judges.mjs README FOLDER-OF-USHER FOLDER-OF-CLIENTS
// with GITHUB_OPENAPI and GITLAB_OPENAPI, files of JSON, and GITLAB_GRAPHQL_OLD and GITLAB_GRAPHQL_NOW.
import { readFileSync } from "node:fs";
import { schema as githubs } from "@octokit/graphql-schema";
import { unfound } from "./breaks.mjs";
import { Description } from "./description.mjs";
import { Exchanges } from "./exchanges.mjs";
import { GitLabDescription } from "./gitlab_description.mjs";
import { GitLabGraphql } from "./gitlab_graphql.mjs";
import { GraphqlSchema } from "./graphql.mjs";
import { recorded } from "./recording.mjs";
import { calls } from "./table.mjs";
import { Webhooks } from "./webhooks.mjs";

const [page, usherFolder, clientsFolder] = process.argv.slice(2);
const text = (name) => readFileSync(process.env[name], "utf8");
const court = {
  description: new Description("GitHub", JSON.parse(text("GITHUB_OPENAPI"))),
  graphql: new GraphqlSchema(githubs.idl),
  gitlab: new GitLabDescription(JSON.parse(text("GITLAB_OPENAPI"))),
  gitlabGraphql: new GitLabGraphql(text("GITLAB_GRAPHQL_OLD"), text("GITLAB_GRAPHQL_NOW")),
  table: calls(page),
};
const [exchanges, webhooks] = [new Exchanges(court), new Webhooks(court)];
const ofUsher = recorded(usherFolder);
for (const { line, who } of [...ofUsher.map(({ line }) => ({ line, who: "usher" })), ...recorded(clientsFolder).map(({ line, file }) => ({ line, who: file }))]) {
  exchanges.judge(line, who);
  await webhooks.judge(line);
}
const good = [exchanges.close().tell(), webhooks.close().tell()];
const { silent, tried } = await unfound(ofUsher.map(({ line }) => line), court);
for (const sentence of silent) console.error(`  ${sentence}`);
if (good.includes(false) || silent.length > 0) process.exit(1);
const { github, gitlab } = exchanges.judged;
console.log(`${github} exchanges with GitHub and ${gitlab} with GitLab are as their descriptions and README.md have them`);
console.log(`${webhooks.judged} webhooks of the fake GitHub are signed and shaped as GitHub's`);
console.log(`all ${tried} deliberate breaks were found`);
