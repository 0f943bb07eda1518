"""Takes the exchanges with the real forges that other projects recorded for their tests, as far as Usher makes
the same calls, and writes them one a line.

    python recordings.py README.md FOLDER-OF-PACKAGES OUT.jsonl

Each line: where it is from, forge, verb, path below the API's root with its query, status, the headers that
lead to the next page, the answer, and the row of README.md's tables. `python-gitlab`'s are no recordings but
examples that its authors wrote after GitLab's documentation, answered to its own tests; they are marked so.
"""

import ast
import json
import pathlib
import re
import sys
import urllib.parse

try:
    import yaml
except ImportError:
    yaml = None  # The judges read what was taken before.

# Beside them there are words: `/user/keys` is no account.
NUMBERS = re.compile(r"\{(account_id|pull_number|issue_number|comment_id|hook_id|installation_id|delivery_id|iid|note_id)\}")
# Answers that no forge gave, or gives any more.
NOT_REAL = {
    "PyGithub PaginatedList.testTotalCountWithDeprecationLink": "an example of GitHub's documentation, cut short",
    "PyGithub PullRequest.setUp": "a reviewer was written in by hand, without a number",
}
METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}
ROOTS = {
    "github": re.compile(r"^(?:https://api\.github\.com(?::443)?|https?://[^/]+/api/v3)(/.*)$"),
    "gitlab": re.compile(r"^https?://[^/]+/api/v4(/.*)$"),
}
# What Usher reads of headers.
KEPT_HEADERS = {"link", "x-next-page"}


def rows(page):
    """The calls of README.md's tables: forge, verb, parts of the path, name; the plainest first."""
    found, forge = [], None
    for line in pathlib.Path(page).read_text().splitlines():
        if line.startswith("## "):
            forge = line[3:].strip().lower()
        call = re.match(r"\| `([A-Z]+) (\S+)` \|", line)
        if call:
            found.append((forge, call[1], call[2].split("/"), f"{call[1]} {call[2]}"))
    return sorted(found, key=lambda row: sum(part.startswith("{") for part in row[2]))


def row_of(table, forge, method, path):
    parts = path.partition("?")[0].split("/")
    # A repository by its number: where a renamed one redirects to.
    if forge == "github" and parts[1:2] == ["repositories"] and len(parts) > 2:
        parts = ["", "repos", "owner", "name", *parts[3:]]

    def is_same(part, given):
        if NUMBERS.fullmatch(part):
            return given.isdigit()
        return given != "" if part.startswith("{") else part == given

    def fits(wanted):
        long = len(parts) >= len(wanted) if wanted[-1] == "{path}" else len(parts) == len(wanted)
        return long and all(is_same(part, given) for part, given in zip(wanted, parts))

    return next((name for kind, verb, wanted, name in table if (kind, verb) == (forge, method) and fits(wanted)), None)


def place(url):
    for forge, root in ROOTS.items():
        found = root.match(url)
        if found:
            return forge, found[1]
    return None, None


def headers(pairs):
    return {name.lower(): str(value) for name, value in pairs if name.lower() in KEPT_HEADERS}


def pygithub(folder):
    """`tests/ReplayData`: ten lines an exchange, blank lines between them."""
    for file in sorted(folder.glob("tests/ReplayData/*.txt")):
        lines, at = file.read_text().split("\n"), 0
        while at + 9 < len(lines):
            if lines[at] not in ("http", "https"):
                at += 1
                continue
            _, method, host, port, path, _, _, status, given, answer = lines[at : at + 10]
            if method not in METHODS or not status.isdigit():
                # The bytes of a file, which hold line breaks.
                at += 1
                continue
            at += 10
            url = path if path.startswith("http") else f"https://{host}{path}"
            yield f"PyGithub {file.stem}", method, url, int(status), ast.literal_eval(given), answer


def ogr(folder):
    """`test_data`: cassettes of `requre`, by verb and address."""
    for file in sorted(folder.glob("tests/integration/git*/test_data/**/*.yaml")):
        tape = yaml.load(file.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        send = (tape.get("requests.sessions") or {}).get("send") or {}
        for method, urls in send.items():
            for url, takes in urls.items():
                for take in takes:
                    said = take["output"]
                    given = said.get("headers") or {}
                    yield f"ogr {file.stem}", method, url, said["status_code"], given.items(), said["_content"]


def octokit(folder):
    """`scenarios`: lists of exchanges, with names and numbers made alike."""
    for file in sorted(folder.glob("scenarios/*/*/normalized-fixture.json")):
        for one in json.loads(file.read_text()):
            url = one["path"] if one["path"].startswith("http") else one["scope"] + one["path"]
            pairs = (one.get("responseHeaders") or {}).items()
            yield f"@octokit/fixtures {file.parent.name}", one["method"].upper(), url, one["status"], pairs, one["response"]


def python_gitlab(folder):
    """What its unit tests are answered; `requests_tape.py` wrote it down."""
    for line in (folder / "tape.jsonl").read_text().splitlines():
        method, url, status, given, answer = json.loads(line)
        yield "python-gitlab", method, url, status, given.items(), answer


SOURCES = [("pygithub-*", pygithub, True), ("ogr-*", ogr, True), ("octokit", octokit, True), ("python_gitlab-*", python_gitlab, False)]


def is_older_than_the_api(row, status, answer):
    """In May 2012 repositories had no full names; until 2014 hits of a search did not name theirs."""
    if row == "GET /search/issues" and status == 200:
        return any("repository_url" not in hit for hit in answer["items"])
    if row.startswith("POST") and row.endswith("/requested_reviewers"):
        # As long as it was a preview, it answered nothing.
        return answer is None
    return row == "GET /repos/{owner}/{repo}" and status == 200 and "full_name" not in answer


def parsed(answer):
    if not isinstance(answer, str):
        return answer
    try:
        return json.loads(answer)
    except ValueError:
        return None


def main():
    page, packages, out = sys.argv[1:]
    table, seen, counts, left_out = rows(page), set(), {}, 0
    with open(out, "w") as file:
        for pattern, read, recorded in SOURCES:
            folders = list(pathlib.Path(packages).glob(pattern))
            if len(folders) != 1:
                sys.exit(f"recordings: {pattern} is there {len(folders)} times")
            for source, method, url, status, pairs, answer in read(folders[0]):
                forge, path = place(url)
                row = row_of(table, forge, method, path) if forge else None
                answer = parsed(answer)
                if row is None or (answer is None and method == "GET"):
                    continue
                if source in NOT_REAL or is_older_than_the_api(row, status, answer):
                    left_out += 1
                    continue
                line = {"row": row, "forge": forge, "recorded": recorded, "method": method, "path": path, "status": status,
                        "headers": headers(pairs), "answer": answer}
                text = json.dumps(line, sort_keys=True, default=str)
                # Tests share much of their set-up.
                if text in seen:
                    continue
                seen.add(text)
                counts[source.split()[0]] = counts.get(source.split()[0], 0) + 1
                file.write(json.dumps({"source": source, **line}, default=str) + "\n")
    told = ", ".join(f"{count} of {name}" for name, count in counts.items())
    print(f"{told}; {left_out} left out, which are not GitHub's of today", file=sys.stderr)


if __name__ == "__main__":
    main()
