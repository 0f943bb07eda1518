// node yaml_to_json.mjs FROM TO
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { parse } from "yaml";

const [from, to] = process.argv.slice(2);
writeFileSync(`${to}.part`, JSON.stringify(parse(readFileSync(from, "utf8"), { maxAliasCount: -1 })));
renameSync(`${to}.part`, to);
