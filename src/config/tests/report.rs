//! The report as a user reads it, whole.

use super::*;

const TEXT: &str = r#"dry_run = "yes"
[server]
listn = "127.0.0.1:8080"
body_limit = "25 megabytes"

[[forge]]
name = "GitLab"
kind = "gitlab"
token = "glpat-1234567890abcdef"
signing_tokens = ["env:NO_SUCH_VARIABLE"]
projects = "acme/*"

[support]
gitlab_groups = ["gitlub:acme/support"]

[[pool]]
name = "backend"
members = ["rita"]
calendar = "emae"
capacity = 0
lead = "ritta"

[[route]]
pool = "bakcend"

[[calendar]]
name = "emea"
timezone = "Europe/Lissabon"
hours = ["9-17"]

[timebox.reviewing]
budget = 8
steps = [{ at = "150%", do = "widen" }, { at = "100%", do = "reminder" }]

[labels]
skip = "support-review-overdue"
"#;

#[test]
fn all_mistakes_are_told_at_once() {
    let report = read(TEXT).unwrap_err().to_string();
    assert_eq!(report, REPORT, "\n{report}");
}

#[test]
fn colours_come_only_when_asked_for() {
    let mistakes = read(TEXT).unwrap_err();
    assert!(!mistakes.to_string().contains('\u{1b}'));
    assert!(mistakes.render(true).contains('\u{1b}'));
}

const REPORT: &str = r#"error: expected true or false, found a string
 --> usher.toml:1:11
  |
1 | dry_run = "yes"
  |           ^^^^^
  |
  = help: write true or false, without quotes

error: unknown key `listn` in [server]
 --> usher.toml:3:1
  |
3 | listn = "127.0.0.1:8080"
  | ^^^^^
  |
  = help: did you mean `listen`?

error: `25 megabytes` is no size
 --> usher.toml:4:14
  |
4 | body_limit = "25 megabytes"
  |              ^^^^^^^^^^^^^^
  |
  = help: write a number of bytes, or a number and a unit: "25MiB", "10MB"

error: `GitLab` does not fit as the name of a forge
 --> usher.toml:7:8
  |
7 | name = "GitLab"
  |        ^^^^^^^^
  |
  = help: it is part of an address: lower-case letters, digits and `-`, at most 40

error: a secret must not stand in the configuration itself
 --> usher.toml:9:9
  |
9 | token = ************************
  |         ^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: write "env:NAME" for an environment variable or "file:PATH" for a file; if this was a real secret, replace it on the forge

error: the environment variable `NO_SUCH_VARIABLE` is not set
  --> usher.toml:10:19
   |
10 | signing_tokens = ["env:NO_SUCH_VARIABLE"]
   |                   ^^^^^^^^^^^^^^^^^^^^^^
   |
   = help: set it before Usher starts

error: expected a list for `projects`, found a string
  --> usher.toml:11:12
   |
11 | projects = "acme/*"
   |            ^^^^^^^^
   |
   = help: put brackets around it: projects = ["…"]

error: there is no forge `gitlub`
  --> usher.toml:14:18
   |
14 | gitlab_groups = ["gitlub:acme/support"]
   |                  ^^^^^^^^^^^^^^^^^^^^^
   |
   = help: did you mean `GitLab`?

error: there is no calendar `emae`
  --> usher.toml:19:12
   |
19 | calendar = "emae"
   |            ^^^^^^
   |
   = help: did you mean `emea`?

error: a capacity of 0 lets nobody be asked
  --> usher.toml:20:12
   |
20 | capacity = 0
   |            ^
   |
   = help: write at least 1; who is not to be asked for a while belongs in `away`

warning: `ritta` is named nowhere else
  --> usher.toml:21:8
   |
21 | lead = "ritta"
   |        ^^^^^^^
   |
   = help: did you mean `rita`?

error: there is no pool `bakcend`
  --> usher.toml:24:8
   |
24 | pool = "bakcend"
   |        ^^^^^^^^^
   |
   = help: did you mean `backend`?

error: unknown time zone `Europe/Lissabon`
  --> usher.toml:28:12
   |
28 | timezone = "Europe/Lissabon"
   |            ^^^^^^^^^^^^^^^^^
   |
   = help: did you mean `Europe/Lisbon`?

error: `9-17` are no working hours
  --> usher.toml:29:10
   |
29 | hours = ["9-17"]
   |          ^^^^^^
   |
   = help: write it as "09:00-17:30"; "22:00-06:00" goes over midnight

error: expected a budget, found a number
  --> usher.toml:32:10
   |
32 | budget = 8
   |          ^
   |
   = help: write a number and a unit: "30s", "90m", "8h" or "2d" (business days)

error: this step comes before the one above it
  --> usher.toml:33:48
   |
33 | steps = [{ at = "150%", do = "widen" }, { at = "100%", do = "reminder" }]
   |                                                ^^^^^^
   |
   = help: list the steps in the order in which they happen

error: unknown step `reminder`
  --> usher.toml:33:61
   |
33 | steps = [{ at = "150%", do = "widen" }, { at = "100%", do = "reminder" }]
   |                                                             ^^^^^^^^^^
   |
   = help: did you mean `remind`?

error: the labels `overdue` and `skip` are both called `support-review-overdue`
  --> usher.toml:36:1
   |
36 | skip = "support-review-overdue"
   | ^^^^
   |
   = help: each has a meaning of its own, so each needs a name of its own

17 mistakes and 1 warning in usher.toml
"#;

#[test]
fn what_is_wrong_with_a_file_decides_what_to_do() {
    for (kind, todo) in [
        (io::ErrorKind::NotFound, "name another file with --config PATH"),
        (
            io::ErrorKind::PermissionDenied,
            "let the user that runs Usher read it (chown, chmod), and enter its folder",
        ),
        (io::ErrorKind::InvalidData, "save it as UTF-8"),
        (io::ErrorKind::IsADirectory, "this is a folder: name the file in it"),
    ] {
        let mistakes = Mistakes::unreadable("usher.toml", &io::Error::from(kind));
        let [mistake] = &mistakes.iter().collect::<Vec<_>>()[..] else { panic!("one mistake") };
        assert_eq!(mistake.todo, todo);
    }
    let read: &dyn Fn(&Path) -> io::Result<Vec<u8>> =
        &|_| Err(io::Error::from(io::ErrorKind::PermissionDenied));
    let outside = Outside { read_file: read, ..outside(&[])(&[]) };
    let text = LEAST.replace("env:HOOK", "file:hook");
    let report = parse(&text, "usher.toml", &outside).unwrap_err().to_string();
    assert!(report.contains("let the user that runs Usher read it"), "{report}");
}
