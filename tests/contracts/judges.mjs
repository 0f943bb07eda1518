// The judges of GitHub, and of README.md's tables.
//   node judges.mjs DESCRIPTION README FOLDER-OF-USHER FOLDER-OF-CLIENTS
import { unfound } from "./breaks.mjs";
import { Description } from "./description.mjs";
import { Exchanges } from "./exchanges.mjs";
import { GraphqlSchema } from "./graphql.mjs";
import { recorded } from "./recording.mjs";
import { calls } from "./table.mjs";
import { Webhooks } from "./webhooks.mjs";

const [descriptionFile, page, usherFolder, clientsFolder] = process.argv.slice(2);
const court = { description: new Description(descriptionFile), graphql: new GraphqlSchema(), table: calls(page) };
const [exchanges, webhooks] = [new Exchanges(court), new Webhooks(court)];
const ofUsher = recorded(usherFolder);
for (const { line, who } of [...ofUsher.map(({ line }) => ({ line, who: "usher" })), ...recorded(clientsFolder).map(({ line, file }) => ({ line, who: file }))]) {
  exchanges.judge(line, who);
  await webhooks.judge(line);
}
const { silent, tried } = await unfound(ofUsher.map(({ line }) => line), court);
for (const sentence of silent) console.error(`  ${sentence}`);
const good = [exchanges.close().tell(), webhooks.close().tell(), silent.length === 0];
if (good.includes(false)) process.exit(1);
console.log(`${exchanges.judged} exchanges are as GitHub and README.md have them`);
console.log(`${webhooks.judged} webhooks of the fake GitHub are signed and shaped as GitHub's`);
console.log(`all ${tried} deliberate breaks were found`);
