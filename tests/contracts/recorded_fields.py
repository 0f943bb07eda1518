"""Holds the fakes against what other projects recorded of the real forges: wherever Usher reads something of an
answer (read.json), the fake's answer to the same call has it, in a type that the real one has.

    python recorded_fields.py README.md RECORDINGS FOLDER-OF-USHER FOLDER-OF-CLIENTS
"""

import collections
import copy
import json
import pathlib
import re
import sys

import recordings

HERE = pathlib.Path(__file__).parent
ROOTS = {"github": "/api/v3", "gitlab": "/gl/api/v4"}
NAMES = {"github": "GitHub", "gitlab": "GitLab"}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
DAY = re.compile(r"\d{4}-\d\d-\d\d")
# What the fake has and no recording, or the other way about; each with its evidence.
EXCEPTIONS = {}
# Calls that the recordings must have, so that nothing is judged by nothing.
ANSWERS_MIN, CALLS_MIN = 800, 40


def kind(value):
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    if isinstance(value, str):
        return "instant" if INSTANT.fullmatch(value) else "day" if DAY.fullmatch(value) else "text"
    return "list" if isinstance(value, list) else "object"


def at(value, place):
    """The kinds of what is at a place; nothing where a part of the way to it is not there."""
    name, _, rest = place.partition("/")
    if name == "*":
        items = value if isinstance(value, list) else []
        return [found for item in items for found in at(item, rest)]
    if not isinstance(value, dict):
        return []
    if not rest:
        return [kind(value[name]) if name in value else "missing"]
    return at(value[name], rest) if name in value else []


class Seen:
    """The kinds of everything that is read, by call and place."""

    def __init__(self, table, read):
        self.table, self.read, self.kinds, self.answers = table, read, collections.defaultdict(collections.Counter), collections.Counter()
        self.recorded = collections.defaultdict(collections.Counter)

    def add(self, forge, row, answer, recorded=False):
        self.answers[forge, row] += 1
        for place in self.read[NAMES[forge]].get(row, []):
            for found in at(answer, place.removesuffix("!")):
                self.kinds[forge, row, place][found] += 1
                # Examples that people wrote leave out what they have no need of.
                self.recorded[forge, row, place][found] += int(recorded)


def compare(real, fake):
    """What the fake answers otherwise, in sentences."""
    for (forge, row, place), kinds in sorted(fake.kinds.items()):
        known = set(real.kinds[forge, row, place])
        # Which texts there are says nothing; an instant is a text with a form.
        if not known - {"missing", "null"}:
            continue
        where = f"{NAMES[forge]} {row}: {place.removesuffix('!')}"
        if set(kinds) == {"missing"}:
            yield f"{where} is never there, and really is {' or '.join(sorted(known))}"
        for strange in sorted(set(kinds) - known - {"missing"}):
            # Null says that nothing is told; recordings are too few to have it everywhere.
            if strange == "null" and not place.endswith("!"):
                continue
            yield f"{where} is {strange}, and really is {' or '.join(sorted(known))}"
    for (forge, row, place), kinds in sorted(real.recorded.items()):
        if place.endswith("!") and any(kinds[absent] for absent in ("missing", "null")):
            yield f"{NAMES[forge]} {row}: {place.removesuffix('!')} is needed, and not always there"


def fakes(table, folders):
    """Good answers of the fakes: forge, row, answer."""
    for file in (file for folder in folders for file in sorted(pathlib.Path(folder).iterdir())):
        for text in file.read_text().splitlines():
            line = json.loads(text)
            if line["kind"] != "exchange" or line["planned"] or line["status"] is None or not 200 <= line["status"] < 300:
                continue
            path = line["target"].removeprefix(ROOTS[line["forge"]])
            row = recordings.row_of(table, line["forge"], line["method"], path)
            if row:
                yield line["forge"], row, line["answer"]


def breaks(table, read, real, samples):
    """Do the judges judge? Good answers of the fakes, broken at one place; whether it was found."""
    for (forge, row), answer in samples.items():
        for place in read[NAMES[forge]].get(row, []):
            known = set(real.kinds[forge, row, place])
            if not at(answer, place.removesuffix("!")) or not known - {"missing", "null"} or "object" in known or "list" in known:
                continue
            for says, change in (("is list", lambda _: []), ("is never there", None)):
                fake, spoilt = Seen(table, read), copy.deepcopy(answer)
                if not spoil(spoilt, place.removesuffix("!"), change):
                    continue
                fake.add(forge, row, spoilt)
                found = any(row in fault and says in fault and place.removesuffix("!") in fault for fault in compare(real, fake))
                yield f"{row} {place}: {says}", found


def spoil(value, place, change):
    name, _, rest = place.partition("/")
    if name == "*":
        return any([spoil(item, rest, change) for item in value if isinstance(item, dict)])
    if not isinstance(value, dict) or name not in value:
        return False
    if rest:
        return spoil(value[name], rest, change) if isinstance(value[name], (dict, list)) else False
    if change is None:
        del value[name]
    else:
        value[name] = change(value[name])
    return True


def main():
    page, tape, *folders = sys.argv[1:]
    table, read = recordings.rows(page), json.loads((HERE / "read.json").read_text())
    real, fake, samples = Seen(table, read), Seen(table, read), {}
    for line in map(json.loads, pathlib.Path(tape).read_text().splitlines()):
        if 200 <= line["status"] < 300:
            real.add(line["forge"], line["row"], line["answer"], line["recorded"])
    for forge, row, answer in fakes(table, folders):
        fake.add(forge, row, answer)
        if answer:
            samples.setdefault((forge, row), answer)
    faults = [fault for fault in compare(real, fake) if fault not in EXCEPTIONS]
    faults += [f"the exception for `{fault}` is not needed any more" for fault in EXCEPTIONS if fault not in list(compare(real, fake))]
    tried = list(breaks(table, read, real, samples))
    faults += [f"{what} was made so, and not found" for what, found in tried if not found]
    answers, calls = sum(real.answers.values()), len(real.answers)
    if answers < ANSWERS_MIN or calls < CALLS_MIN or not tried:
        faults.append(f"only {answers} recorded answers to {calls} calls, {len(tried)} breaks")
    for fault in faults:
        print(f"  {fault}", file=sys.stderr)
    if faults:
        sys.exit(1)
    both = sum(1 for call in real.answers if call in fake.answers)
    print(f"{answers} recorded answers to {calls} calls: of {both} that the fakes answered too, all that Usher reads is as there")
    print(f"all {len(tried)} deliberate breaks were found")


main()
