//! Every kind of mistake, with its place and what to do about it.

use super::*;

#[test]
fn unknown_keys() {
    check("[server]\nlistn = \"x\"", "17:1 unknown key `listn` in [server] (did you mean `listen`?)");
    check(
        "[serer]\nlisten = \"x\"",
        "16:2 unknown key `serer` at the top of the file (did you mean `server`?)",
    );
    check(
        "[limits]\nreviewers = 2",
        "17:1 unknown key `reviewers` in [limits] (`reviewers` belongs in [[pool]])",
    );
    check("[store]\npath = \"x\"", "17:1 unknown key `path` in [store] (known: `url`)");
    check(
        "[timebox.reviewing]\nsteps = [{ at = \"1%\", do = \"remind\", wen = 1 }]",
        "17:38 unknown key `wen` in a step (known: `at`, `do`)",
    );
    check(
        "[timebox.review]\nbudget = \"1h\"",
        "16:10 unknown key `review` in [timebox] (did you mean `reviewing`?)",
    );
}

#[test]
fn wrong_types() {
    let alone = "write the IP address before the port: \"127.0.0.1:8080\" for this machine alone, \"0.0.0.0:8080\" for all";
    check("[server]\nlisten = 8080", &format!("17:10 `8080` is no address to listen on ({alone})"));
    check("[server]\nlisten = \":8080\"", &format!("17:10 `:8080` is no address to listen on ({alone})"));
    check(
        "[server]\nlisten = \"localhost:8080\"",
        "17:10 `localhost:8080` is no address to listen on (write \"127.0.0.1:8080\")",
    );
    check(
        "[limits]\nmax_pools = \"2\"",
        "17:13 expected a number, found a string (write a whole number from 1 to 10000, without quotes)",
    );
    check(
        "[support.x]\ny = 1",
        "16:10 unknown key `x` in [support] (known: `members`, `gitlab_groups`, `github_teams`, `except`, `lead`, `calendar`)",
    );
    check("[person]\nname = \"x\"", "16:2 `person` is a list of tables (begin it with a line [[person]])");
    check(
        "[[server]]\nlisten = \"x\"",
        "16:1 expected a table for [server], found a list (begin it with a line [server])",
    );
    check("[labels]\nskip = true", "17:8 expected a string, found true or false (put it in quotes)");
    check("[labels]\nskip = \"\"", "17:8 an empty text (write something, or leave the key out)");
    check("[labels]\nskip = 1.5", "17:8 expected a string, found a fraction (put it in quotes)");
}

#[test]
fn values_out_of_their_bounds() {
    check(
        "[server]\nbody_limit = 0",
        "17:14 a body limit out of range (write a size up to \"1GiB\"; forges send up to \"25MiB\")",
    );
    check(
        "[server]\nbody_limit = -1",
        "17:14 a size out of range (write a number of bytes, or a number and a unit: \"25MiB\", \"10MB\")",
    );
    check(
        "[server]\nbody_limit = \"99999999999GiB\"",
        "17:14 `99999999999GiB` is no size (write a number of bytes, or a number and a unit: \"25MiB\", \"10MB\")",
    );
    check(
        "[server]\nkeep_bodies = 3",
        "17:15 expected a duration, found a number (write a number and a unit: \"30s\", \"90m\", \"8h\" or \"2d\")",
    );
    check(
        "[server]\nkeep_bodies = \"3 weeks\"",
        "17:15 `3 weeks` is no duration (write a number and a unit: \"30s\", \"90m\", \"8h\" or \"2d\")",
    );
    check(
        "[reconcile]\nevery = \"0\"",
        "17:9 a pause out of range (write a duration from \"10s\" to \"1d\")",
    );
    check(
        "[limits]\nmax_pools = 0",
        "17:13 a number out of range (write a whole number from 1 to 10000, without quotes)",
    );
    check(
        "[limits]\npings_per_change = 99999999999999999999",
        "17:20 a number out of range (write a whole number from 0 to 10000, without quotes)",
    );
    check(
        "[server]\nlisten = \"localhost\"",
        "17:10 `localhost` is no address to listen on (write an IP address and a port: \"127.0.0.1:8080\", or \"[::]:8080\" for IPv6)",
    );
}

#[test]
fn names_are_given_once() {
    let forge = &LEAST[..LEAST.find("[support]").unwrap()];
    check(
        forge,
        "\
17:8 a second forge is called `gitlab` (each forge has a name of its own: it is part of the webhook's address)
17:8 `gitlab` and `gitlab` both watch `acme/*` at the same address (join the two, or give them different projects)",
    );
    check(&forge.replace("\"gitlab\"\nkind", "\"other\"\nkind").replace("acme/*", "more/*"), "");
    check(
        "[[pool]]\nname = \"backend\"\nmembers = [\"x\"]",
        "17:8 a second pool is called `backend` (each pool has a name of its own)",
    );
    let calendar = "[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\n";
    check(&calendar.repeat(2), "20:8 a second calendar is called `c` (each calendar has a name of its own)");
    check(
        "[[person]]\nname = \"x\"\n[[person]]\nname = \"x\"",
        "19:8 a second person is called `x` (join the two: each person is described once)",
    );
    check(
        "[[person]]\nname = \"x\"\ngitlab = \"z\"\n[[person]]\nname = \"y\"\ngitlab = \"Z\"",
        "21:1 `Z` is the account of `x` and of `y` (each account belongs to one person)",
    );
    check(
        "[[person]]\nname = \"x\"\n[[person]]\nname = \"X\"",
        "19:8 a second person is called `X` (join the two: each person is described once)",
    );
    check(
        "[[pool]]\nname = \"Backend\"\nmembers = [\"x\"]",
        "\
17:8 a second pool is called `Backend` (each pool has a name of its own)
17:8 warning: no route leads to the pool `Backend` (changes only get there by the command `pool`; add a [[route]])",
    );
    check_instead("[\"sam\"]", "[\"sam\", \"Sam\"]", "8:19 `Sam` is named twice (leave it out)");
    check_instead(
        "members = [\"sam\"]",
        "members = [\"sam\"]\nexcept = [\"SAM\"]",
        "9:11 `SAM` is a member of support and excepted from it (leave one of the two out)",
    );
}

/// Forges compare logins without case, so a name has one spelling, whichever is written.
#[test]
fn a_person_is_one_in_whatever_case_the_name_is_written() {
    let text = LEAST.replace("\"rita\", \"ravi\"]", "\"Rita\", \"ravi\"]\nlead = \"RAVI\"");
    let text = text + "[[person]]\nname = \"rita\"\ncapacity = 2\n[escalation]\ncontact = \"SAM\"";
    let result = read(&text);
    assert_eq!(short(&result), "");
    let policy = result.unwrap().config.policy;
    assert_eq!(policy.pools[0].members, ["rita", "ravi"]);
    assert_eq!(policy.pools[0].leads, ["ravi"]);
    assert_eq!(policy.contact.as_deref(), Some("sam"));
    assert_eq!(policy.people.keys().collect::<Vec<_>>(), ["rita"]);
}

#[test]
fn a_login_that_is_somebody_elses_name_is_a_mistake() {
    let other = "[[person]]\nname = \"ria\"\ngitlab = \"Rita\"";
    check(
        other,
        "18:1 `Rita` is the account of `ria` and, by its name, of `rita` \
         (write `ria` for `rita`, or describe `rita` with a login of its own)",
    );
    check(&format!("{other}\n[[person]]\nname = \"rita\"\ngitlab = \"rita-ray\""), "");
    check(&other.replace("gitlab", "github"), "");
}

#[test]
fn people() {
    check("[[person]]\nname = \"@rita\"", "17:8 `@rita` begins with `@` (write \"rita\")");
    check(
        "[[person]]\nname = \"Rita Ray\"",
        "17:8 `Rita Ray` is no user name (write the user name on the forge: letters, digits, `-`, `_` and `.`)",
    );
    check(
        "[[person]]\ngitlab = \"rita\"",
        "16:1 [[person]] needs `name` (the name used elsewhere in this file: name = \"rita\")",
    );
    check(
        "[[person]]\nname = \"rita\"\ncalendar = \"c\"\ntimezone = \"UTC\"\n[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"",
        "19:1 a person has `calendar` or `timezone`, not both (keep one: a calendar has a time zone; a time zone alone means the default hours there)",
    );
    check(
        "[[person]]\nname = \"rita\"\ncapacity = 0",
        "18:12 a capacity of 0 lets nobody be asked (write at least 1; who is not to be asked for a while belongs in `away`)",
    );
    check(
        "[[person]]\nname = \"rita\"\naway = [\"2026-12-24..2026-12-22\"]",
        "18:9 `2026-12-24..2026-12-22` ends before it begins (write the first day first)",
    );
    let todo = "write a day \"2026-12-24\", or first and last day \"2026-12-22..2027-01-02\"";
    check(
        "[[person]]\nname = \"rita\"\naway = [\"24.12.2026\"]",
        &format!("18:9 `24.12.2026` is no date ({todo})"),
    );
    check(
        "[[person]]\nname = \"rita\"\naway = [\"2026-02-30\"]",
        &format!("18:9 `2026-02-30` is not in the calendar ({todo})"),
    );
    check(
        "[[person]]\nname = \"rita\"\ntimezone = \"Lisbon\"",
        "18:12 unknown time zone `Lisbon` (did you mean `Europe/Lisbon`?)",
    );
}

#[test]
fn support_and_groups() {
    let todo = "begin it with a line [support] and write members = [\"sam\"] or gitlab_groups = [\"gitlab:acme/support\"]";
    check_instead(
        "members = [\"sam\"]",
        "except = [\"bot\"]",
        &format!("7:1 nobody is a support engineer: [support] names no members and no groups ({todo})"),
    );
    check_instead(
        "[\"sam\"]",
        "[\"sam\"]\nexcept = [\"sam\"]",
        "9:11 `sam` is a member of support and excepted from it (leave one of the two out)",
    );
    let group = |key: &str, group: &str, expected: &str| {
        check_instead("members = [\"sam\"]", &format!("{key} = [\"{group}\"]"), expected);
    };
    group("gitlab_groups", "gitlab:acme/support/emea", "");
    group(
        "gitlab_groups",
        "acme/support",
        "8:18 `acme/support` is no group (write forge name and group path: \"gitlab:acme/support\")",
    );
    group("gitlab_groups", "gitlba:acme", "8:18 there is no forge `gitlba` (did you mean `gitlab`?)");
    group(
        "github_teams",
        "gitlab:acme/support",
        "8:17 the forge `gitlab` is of kind gitlab (its groups are listed under `gitlab_groups`)",
    );
    group(
        "github_teams",
        "github:acme",
        "8:17 `github:acme` is no group (write forge name, organisation and team: \"github:acme/support\")",
    );
    group("gitlab_groups", "gitlab:a\", \"gitlab:a", "8:30 `gitlab:a` is named twice (leave it out)");
}

#[test]
fn pools() {
    check_instead(
        "members = [\"rita\", \"ravi\"]",
        "members = []",
        "9:1 a pool without members and groups (name people: members = [\"rita\"], or a group: gitlab_groups = [\"gitlab:acme/backend\"])",
    );
    check_instead(
        "[\"rita\", \"ravi\"]",
        "[\"sam\"]",
        "11:12 warning: `sam` is in support and the only member of this pool (nobody reviews their own change, so theirs will wait: add another member)",
    );
    check_instead(
        "[[route]]",
        "reviewers = 0\n[[route]]",
        "12:13 a number out of range (write a whole number from 1 to 20, without quotes)",
    );
    check_instead(
        "[[route]]",
        "approvals = 2\n[[route]]",
        "12:13 2 approvals are needed, but `reviewers` is 1 (ask 2 reviewers, or be content with fewer approvals)",
    );
    check_instead(
        "[[route]]",
        "reviewers = 3\n[[route]]",
        "12:13 3 reviewers are asked of a pool of 2 (add members, or ask fewer)",
    );
    check_instead(
        "[[route]]",
        "calendar = \"emea\"\n[[route]]",
        "12:12 there is no calendar `emea` (describe it with a [[calendar]] of that name)",
    );
    check_instead(
        "[[route]]",
        "lead = \"rvai\"\n[[route]]",
        "12:8 warning: `rvai` is named nowhere else (did you mean `ravi`?)",
    );
    check_instead("[[route]]", "lead = \"lena\"\n[[route]]", "");
    check("[[person]]\nname = \"somebody-in-a-group\"", "");
    check_instead(
        "name = \"backend\"",
        "name = \"back end\"",
        "\
10:8 `back end` is no name (write one word of letters, digits, `-`, `_` and `.`)
13:8 there is no pool `backend` (did you mean `back end`?)",
    );
}

#[test]
fn routes() {
    check(
        "[[route]]\npool = \"bakend\"\nforges = [\"gitlab\", \"gtlab\"]\nprojects = [\"x\"]",
        "\
16:1 warning: this route is never reached (put it before the route without conditions: the first match wins)
17:8 there is no pool `bakend` (did you mean `backend`?)
18:21 there is no forge `gtlab` (did you mean `gitlab`?)",
    );
    check(
        "[[pool]]\nname = \"docs\"\nmembers = [\"dora\"]",
        "17:8 warning: no route leads to the pool `docs` (changes only get there by the command `pool`; add a [[route]])",
    );
    let two_pools =
        LEAST.replacen("[[route]]\npool = \"backend\"", "[[pool]]\nname = \"docs\"\nmembers = [\"dora\"]", 1);
    check_text(
        &two_pools,
        "13:8 several pools, but no [[route]] (add [[route]]s that say which change goes to which pool, first match wins)",
    );
    let no_route = LEAST.replacen("[[route]]\npool = \"backend\"", "", 1);
    assert_eq!(good(&no_route).policy.routes[0].pool, "backend");
}

#[test]
fn calendars() {
    let calendar = |more: &str, expected: &str| {
        check(&format!("[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\n{more}"), expected);
    };
    calendar("days = []", "19:1 a calendar without working days (name at least one: days = [\"mon\"])");
    calendar("hours = []", "19:1 a calendar without working hours (write some: hours = [\"09:00-17:00\"])");
    calendar("days = [\"Monday\"]", "19:9 unknown day `Monday` (did you mean `mon`?)");
    calendar("days = [\"mon\", \"mon\"]", "19:16 this day is named twice (leave it out)");
    let todo = "write it as \"09:00-17:30\"; \"22:00-06:00\" goes over midnight";
    calendar("hours = [\"09:00-25:00\"]", &format!("19:10 `09:00-25:00` are no working hours ({todo})"));
    calendar("hours = [\"24:00-06:00\"]", &format!("19:10 `24:00-06:00` are no working hours ({todo})"));
    calendar(
        "hours = [\"09:00-09:00\"]",
        "19:10 `09:00-09:00` begins and ends at the same time (for all day write \"00:00-24:00\")",
    );
    calendar(
        "hours = [\"22:00-06:00\", \"05:00-12:00\"]",
        "19:25 these hours overlap with earlier ones (join the two, or move one)",
    );
    calendar("hours = [\"09:00-12:00\", \"12:00-17:00\"]", "");
    calendar(
        "holidays = [\"2026-12-25T00:00:00\"]",
        "19:13 `2026-12-25T00:00:00` is no date (write it as \"2026-12-24\")",
    );
    calendar(
        "holidays_ics = [\"no.ics\"]",
        "19:17 cannot read the calendar file `no.ics`: entity not found (relative paths start at the folder of the configuration file)",
    );
    check(
        "[[calendar]]\nname = \"c\"",
        "16:1 [[calendar]] needs `timezone` (write the name of the IANA time zone: timezone = \"Europe/London\")",
    );
    let text = format!("{LEAST}[[calendar]]\nname = \"c\"\ntimezone = \"UTC\"\nholidays_ics = [\"h.ics\"]");
    let found = short(&read_with(
        &text,
        &[("h.ics", "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART:20261225T090000Z\n")],
        &[],
    ));
    assert_eq!(
        found,
        "19:17 `h.ics`: the file ends in the middle: the last line is not END:VCALENDAR (export it once more, or write the days under `holidays`)\n"
    );
}

#[test]
fn time_boxes() {
    let todo = "write a number and a unit: \"30s\", \"90m\", \"8h\" or \"2d\" (business days)";
    let budget = |text: &str, expected: &str| {
        check(
            &format!("[timebox.reviewing]\nbudget = \"{text}\""),
            &format!("17:10 `{text}` {expected} ({todo})"),
        );
    };
    budget("8", "is no budget");
    budget("0h", "leaves no time at all");
    budget("61d", "is more than 60 days");
    let steps = |stage: &str, steps: &str, expected: &str| {
        check(&format!("[timebox.{stage}]\nsteps = [{steps}]"), expected);
    };
    steps(
        "reviewing",
        "{ at = \"200%\", do = \"remind\" }, { at = \"100%\", do = \"widen\" }",
        "17:49 this step comes before the one above it (list the steps in the order in which they happen)",
    );
    steps(
        "reviewing",
        "{ at = \"100%\", do = \"remind\" }, { at = \"100%\", do = \"remind\" }",
        "17:62 the same step twice (leave it out)",
    );
    steps("reviewing", "{ at = \"100%\", do = \"remind\" }, { at = \"100%\", do = \"widen\" }", "");
    steps(
        "reviewing",
        "{ at = 100, do = \"remind\" }",
        "17:17 expected a share, found a number (write a share of the budget from \"1%\" to \"1000%\")",
    );
    steps(
        "reviewing",
        "{ at = \"0%\", do = \"remind\" }",
        "17:17 `0%` is no share of the budget (write a share of the budget from \"1%\" to \"1000%\")",
    );
    steps(
        "reviewing",
        "{ at = \"100%\", do = \"close\" }",
        "17:30 unknown step `close` (known: `remind`, `widen`, `escalate`)",
    );
    steps("reviewing", "{ at = \"100%\" }", "17:10 a step needs `do` (write what: do = \"remind\")");
    steps(
        "with_author",
        "{ at = \"100%\", do = \"widen\" }",
        "17:30 `widen` adds a reviewer, which is of no use in [timebox.with_author] (it belongs in [timebox.reviewing])",
    );
    steps(
        "waiting",
        "{ at = \"100%\", do = \"remind\" }",
        "17:30 nobody has been asked yet in [timebox.waiting], so there is nobody to remind (tell the pool's lead: do = \"escalate\")",
    );
}

#[test]
fn labels() {
    check(
        "[labels]\nskip = \"a,b\"",
        "17:8 the label `a,b` has a comma in it (GitLab reads a comma as the end of a label: leave it out)",
    );
    check("[labels]\nskip = \" a\"", "17:8 the label ` a` begins or ends with a space (leave it out)");
    check(
        &format!("[labels]\nskip = \"{}\"", "x".repeat(51)),
        "17:8 a label of more than 50 characters (GitHub takes no longer ones)",
    );
    check(
        "[labels]\nwaiting = \"W\"\nskip = \"w\"",
        "18:1 the labels `waiting` and `skip` are both called `w` (each has a meaning of its own, so each needs a name of its own)",
    );
    // On GitLab, setting this one would take the stage off.
    check(
        "[labels]\noverdue = \"support-review::overdue\"\nready_to_merge = \"ready\"\nwaiting = \"w\"\nwith_author = \"a\"",
        "17:1 `support-review::overdue` and `support-review::reviewing` share a scope (GitLab keeps one label of each scope: use another scope, or none)",
    );
}
