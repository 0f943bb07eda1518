// What Usher reads of each answer (read.json): places with slashes, `*` for each entry of a list, and a mark
// on what an answer cannot be read without. Every call of README.md's has an entry.
import { readFileSync } from "node:fs";

const READ = JSON.parse(readFileSync(new URL("read.json", import.meta.url)));

/// The places that Usher reads of the answers to a row of README.md's tables.
export const readBy = (forge, row) => (READ[forge]?.[row] ?? []).map((place) => place.replace(/!$/, ""));

/// Rows without an entry, and entries without a row.
export function unmatched(table) {
  return Object.entries(table).flatMap(([forge, rows]) => {
    const names = new Set(rows.map((row) => row.name));
    const known = Object.keys(READ[forge] ?? {});
    return [
      ...[...names].filter((name) => !known.includes(name)).map((name) => `${forge}: read.json does not say what is read of ${name}`),
      ...known.filter((name) => !names.has(name)).map((name) => `${forge}: read.json has ${name}, which README.md does not list`),
    ];
  });
}
