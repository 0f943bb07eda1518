// What the sandbox wrote down (crates/sandbox/src/service/recording.rs).
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

/// Every line of every file below the folder, as `{ file, line }`, where `file` has lost its ending.
export function recorded(folder) {
  return readdirSync(folder).flatMap((file) =>
    readFileSync(join(folder, file), "utf8").split("\n").filter(Boolean)
      .map((line) => ({ file: basename(file, ".jsonl"), line: JSON.parse(line) })));
}
