// The calls that Usher makes, read from the tables of README.md, so that the page cannot be wrong: a call
// that is not in it, or that nobody makes, is a fault.
import { readFileSync } from "node:fs";

export function calls(page) {
  const found = { GitHub: [], GitLab: [] };
  let forge;
  for (const line of readFileSync(page, "utf8").split("\n")) {
    if (line.startsWith("## ")) forge = found[line.slice(3).trim()];
    const row = /^\| `([A-Z]+) (\S+)` \|/.exec(line);
    // What no client by others can make: the fake lets nobody write a remark on a line over REST.
    const alone = line.trimEnd().endsWith("| — | — |");
    if (forge && row) forge.push({ method: row[1], path: row[2], name: `${row[1]} ${row[2]}`, alone });
  }
  return found;
}

/// The row that a request is, the one with the fewest placeholders if several fit.
export function rowOf(rows, method, path) {
  const parts = path.split("/");
  const blank = (part) => part.startsWith("{");
  const fits = (row) => {
    const wanted = row.path.split("/");
    // The path of a file is one parameter, slashes and all.
    const long = wanted.at(-1) === "{path}" ? parts.length >= wanted.length : parts.length === wanted.length;
    return row.method === method && long && wanted.every((part, at) => blank(part) || part === parts[at]);
  };
  const blanks = (row) => row.path.split("/").filter(blank).length;
  return rows.filter(fits).sort((one, other) => blanks(one) - blanks(other))[0];
}
