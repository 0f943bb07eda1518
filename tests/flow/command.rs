//! The command line beside a real server: explain, replay, deliveries, demo, and SIGHUP.

use std::path::Path;
use std::process::{Command, Stdio};

use usher_core::model::review::Stage;
use usher_sandbox::{ChangeRef, Fault, Forge};

use super::harness::{BOTH, Settings, key, name, project, touching};
use super::server::{Server, until, usher};
use super::sign;

/// Name and content of all files of the store.
fn bytes(store: &Path) -> Vec<(String, Vec<u8>)> {
    let folder = std::fs::read_dir(store.parent().unwrap()).unwrap();
    let files = folder.map(|entry| entry.unwrap().path());
    let files = files.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("usher.db"));
    let mut files: Vec<_> =
        files.map(|path| (path.display().to_string(), std::fs::read(path).unwrap())).collect();
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_names_every_candidate_and_writes_nothing_where_there_is_no_store_yet() {
    let paths = Settings { paths: true, members: r#"["rita", "ravi", "sam"]"#, ..Settings::default() };
    let server = Server::planned(paths).await;
    for forge in BOTH {
        let change = server.open(forge, "sam");
        let docs = server.open_with(forge, touching("siobhan", &["docs/a.md"]));
        let page = server.sandbox.web_url(&change);
        for name in [key(&change).to_string(), page] {
            let out = server.run(&["explain", &name]).await.good();
            for says in ["Pool backend:", "rita", "ravi", "sam", "Why:", "labels support-contribution"] {
                assert!(out.contains(says), "{says} is missing:\n{out}");
            }
            let author = out.lines().find(|line| line.trim_start().starts_with("sam ")).unwrap();
            assert!(author.contains("author"), "{author}");
            assert!(out.ends_with("Nothing was written.\n"), "{out}");
        }
        let json = server.run(&["explain", &key(&docs).to_string(), "--json"]).await.json();
        assert_eq!(json["change"], key(&docs).to_string());
        assert_eq!(
            (&json["tracked"], &json["known"], &json["stage"]),
            (&true.into(), &false.into(), &"reviewing".into())
        );
        let pool = &json["pools"][0];
        assert_eq!(pool["pool"], "docs", "{json:#}");
        let verdicts = pool["candidates"].as_array().unwrap().iter();
        let mut verdicts: Vec<_> = verdicts.map(|one| one["standing"]["verdict"].as_str().unwrap()).collect();
        verdicts.sort_unstable();
        assert_eq!(verdicts, ["chosen", "free"], "{json:#}");
        assert!(json["sentences"].as_array().is_some_and(|sentences| !sentences.is_empty()));
    }
    let stranger = server.open(Forge::Gitlab, "dora");
    let out = server.run(&["explain", &key(&stranger).to_string()]).await.good();
    assert!(out.contains("Usher leaves it alone"), "{out}");
    assert_eq!(server.sandbox.writes(), 0, "{:?}", server.asked());
    assert_eq!(bytes(&server.store_path()), [], "no store was made");
}

/// What `explain` says of rita and ravi, a line each.
async fn explained(server: &Server, change: &ChangeRef) -> [String; 2] {
    let out = server.run(&["explain", &key(change).to_string()]).await.good();
    ["rita", "ravi"].map(|person| {
        let line = out.lines().find(|line| line.trim_start().starts_with(person));
        line.unwrap_or_else(|| panic!("{person} is missing:\n{out}")).trim().to_owned()
    })
}

/// Whether the change's ledger tells of somebody whom the forge refused.
async fn was_refused(server: &Server, change: &ChangeRef) -> bool {
    let store = server.store().await;
    let ledger = format!("{:?}", store.ledger(&key(change), 100).await.unwrap());
    store.close().await;
    ledger.contains("NotAllowed") || ledger.contains("Dropped")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_passes_over_whom_the_server_would_pass_over_also_after_a_restart() {
    const REFUSED: [&str; 2] =
        ["rita             cannot be a reviewer there", "ravi             cannot be a reviewer there"];
    for forge in BOTH {
        let mut server = Server::started(Settings::default()).await;
        for person in ["rita", "ravi"] {
            server.sandbox.remove_member(forge, project(forge), person);
        }
        let first = server.open(forge, "sam");
        server.flowing_until("somebody was refused", async || was_refused(&server, &first).await).await;
        server.at_rest().await;

        let second = server.open(forge, "siobhan");
        let webhook = server.the_webhook();
        assert_eq!(explained(&server, &second).await, REFUSED, "{forge:?}, while it runs");
        assert_eq!(server.stop().await, Some(0));
        assert_eq!(explained(&server, &second).await, REFUSED, "{forge:?}, while it is stopped");
        server.start().await;
        assert_eq!(server.sandbox.send(&webhook).await, Some(202));
        let tracked = async || {
            let store = server.store().await;
            store.is_tracked(&key(&second), None).await.unwrap()
        };
        until("it is taken on", tracked).await;
        server.at_rest().await;
        assert!(!was_refused(&server, &second).await, "{forge:?}: nobody was asked in vain again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_and_replay_leave_an_existing_store_as_it_is_to_the_byte() {
    let mut server = Server::started(Settings::default()).await;
    let change = server.open(Forge::Gitlab, "sam");
    let webhook = server.the_webhook();
    assert_eq!(server.sandbox.send(&webhook).await, Some(202));
    server.flowing_until("it has a reviewer", async || !server.reviewers(&change).is_empty()).await;
    server.at_rest().await;
    assert_eq!(server.stop().await, Some(0));
    let (before, writes) = (bytes(&server.store_path()), server.sandbox.writes());

    let payload = server.folder.path().join("payload.json");
    std::fs::write(&payload, &webhook.body).unwrap();
    let payload = payload.to_str().unwrap();
    let out = server.run(&["explain", &key(&change).to_string()]).await.good();
    assert!(out.contains("reviewers: ") && out.contains("rita") && out.contains("ravi"), "{out}");
    for event in ["merge_request", "Merge Request Hook"] {
        let out = server.run(&["replay", payload, "--event", event, "--forge", "gitlab"]).await.good();
        assert!(out.contains("Nothing was written."), "{out}");
    }
    let json =
        server.run(&["replay", payload, "--event", "merge_request", "--forge", "gitlab", "--json"]).await;
    assert_eq!(json.json()["change"], key(&change).to_string());
    let list = server.run(&["deliveries", "list", "--json"]).await.json();
    assert_eq!(list["outbox"], serde_json::json!([]));
    let first =
        list["inbox"].as_array().unwrap().iter().find(|row| row["delivery_id"] == *webhook.delivery_id);
    let id = first.unwrap()["id"].as_str().unwrap().to_owned();
    let shown = server.run(&["deliveries", "show", &id, "--json"]).await.json();
    assert_eq!(shown["body"].as_str().unwrap().as_bytes(), webhook.body, "the body as it was sent");
    assert!(server.run(&["deliveries"]).await.good().contains("The outbox is empty."));
    assert_eq!(server.run(&["deliveries", "show", "in:99999"]).await.code, Some(1));
    assert_eq!(server.run(&["deliveries", "show", "x"]).await.code, Some(2));

    assert_eq!(server.sandbox.writes(), writes, "not one write reached a forge");
    assert!(bytes(&server.store_path()) == before, "the store has changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lasting_refusal_becomes_a_dead_letter_that_can_be_tried_again() {
    let server = Server::started(Settings::default()).await;
    let refusal = Fault::status(422, "Comments are locked for the flood");
    server.sandbox.fail_next(Forge::Github, "POST", "/comments", refusal, 100);
    let change = server.open(Forge::Github, "sam");
    server.flowing_until("it has a reviewer", async || !server.reviewers(&change).is_empty()).await;
    let dead = async || {
        let list = server.run(&["deliveries", "list", "--json"]).await.json();
        list["outbox"].as_array().unwrap().iter().find(|row| row["error"].is_string()).cloned()
    };
    until("there is a dead letter", async || dead().await.is_some()).await;
    let row = dead().await.unwrap();
    assert_eq!((&row["kind"], &row["attempts"]), (&"status".into(), &1.into()), "{row:#}");
    assert!(row["state"].as_str().unwrap().starts_with("dead since"), "{row:#}");
    assert!(row["error"].as_str().unwrap().contains("Comments are locked for the flood"), "{row:#}");
    let id = row["id"].as_str().unwrap();
    let shown = server.run(&["deliveries", "show", id]).await.good();
    assert!(shown.contains("write the status comment") && shown.contains("locked for the flood"), "{shown}");
    assert_eq!(server.comments(&change).len(), 0);

    server.sandbox.clear_faults();
    for (wrong, code, says) in [("out:99999", 1, "no such row"), ("x", 2, "is no row"), ("in:1", 2, "outbox")]
    {
        let run = server.run(&["deliveries", "retry", wrong]).await;
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.err.contains(says), "{run:?}");
    }
    let retried = server.run(&["deliveries", "retry", id]).await.good();
    assert!(retried.contains(&format!("{id} is tried again")), "{retried}");
    // Another change wakes the courier before its next look.
    server.open(Forge::Github, "siobhan");
    server.flowing_until("the comment is there", async || !server.comments(&change).is_empty()).await;
    server.at_rest().await;
    server.assert_one_status_comment(&change);
    assert_eq!(server.run(&["deliveries", "retry", "all"]).await.good(), "There are no dead letters.\n");
    assert!(server.run(&["deliveries"]).await.good().contains("The outbox is empty."));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_sighup_a_new_member_takes_part_and_a_bad_file_changes_nothing() {
    let mut server =
        Server::started(Settings { members: r#"["rita"]"#, capacity: 1, ..Settings::default() }).await;
    let first = server.open(Forge::Gitlab, "sam");
    server.flowing_until("rita is asked", async || server.reviewers(&first) == ["rita"]).await;
    server.at_rest().await;

    let text =
        server.company.text(&server.settings).replace("timezone = \"Europe/London\"", "timezone = \"Londn\"");
    server.write_config(&text);
    server.signal("HUP");
    let says = "the new configuration is wrong, the old one stays";
    until("the log says what is wrong", async || server.log().contains(says)).await;
    assert!(server.log().contains("Londn"));
    let second = server.open(Forge::Gitlab, "siobhan");
    let waits = async || {
        let review = server.store().await.load(&key(&second)).await.unwrap();
        review.is_some_and(|stored| stored.review.done.stage == Stage::Waiting)
    };
    server.flowing_until("nobody is free for the second one", waits).await;

    server.settings.members = r#"["rita", "ravi"]"#;
    server.write_config(&server.company.text(&server.settings));
    server.signal("HUP");
    until("the log says so", async || server.log().contains("the new configuration is in force")).await;
    let third = server.open(Forge::Gitlab, "sam");
    let asked = async || server.reviewers(&second) == ["ravi"] || server.reviewers(&third) == ["ravi"];
    server.flowing_until("ravi takes part", asked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_still_fails_for_the_moment_is_not_dead() {
    let server = Server::started(Settings::default()).await;
    let hiccup = Fault::status(502, "come again");
    server.sandbox.fail_next(Forge::Github, "POST", "/comments", hiccup, 100);
    server.open(Forge::Github, "sam");
    let failing = async || {
        server.deliver().await;
        let list = server.run(&["deliveries", "list", "--json"]).await.json();
        // One that is under way has an attempt, too, and may be gone a moment later.
        let failed = |row: &&serde_json::Value| row["attempts"] != 0 && row["error"].is_string();
        list["outbox"].as_array().unwrap().iter().find(failed).cloned()
    };
    until("an attempt failed", async || failing().await.is_some()).await;
    let id = failing().await.unwrap()["id"].as_str().unwrap().to_owned();
    let run = server.run(&["deliveries", "retry", &id]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains(&format!("{id} is not dead")), "{run:?}");
    assert_eq!(server.run(&["deliveries", "retry", "all"]).await.good(), "There are no dead letters.\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replay_reads_everything_without_a_store_and_asks_no_forge() {
    let server = Server::planned(Settings::default()).await;
    let change = server.open(Forge::Gitlab, "sam");
    let webhook = server.the_webhook();
    let payload = server.folder.path().join("payload.json");
    let payload = payload.to_str().unwrap();
    let replay = async |body: &[u8], event: &str, forge: &str, json: bool| {
        std::fs::write(payload, body).unwrap();
        let mut arguments = vec!["replay", payload, "--event", event, "--forge", forge];
        arguments.extend(json.then_some("--json"));
        server.run(&arguments).await
    };
    let asked = server.asked();
    for (event, reading) in [
        ("ping", serde_json::json!({ "reading": "ping" })),
        ("membership", serde_json::json!({ "reading": "roster", "what": "membership added" })),
        ("gollum", serde_json::json!({ "reading": "unsupported", "event": "gollum" })),
    ] {
        assert_eq!(replay(br#"{"action":"added"}"#, event, "github", true).await.json(), reading);
        let words = replay(br#"{"action":"added"}"#, event, "github", false).await.good();
        assert!(words.ends_with(".\n") && !words.contains('{'), "{words}");
    }
    let json = replay(&webhook.body, "merge_request", "gitlab", true).await.json();
    assert_eq!((&json["reading"], &json["decided"]), (&"change".into(), &false.into()), "{json:#}");
    assert_eq!(json["change"], key(&change).to_string());
    assert_eq!(json["facts"].as_array().map(Vec::len), Some(1), "{json:#}");
    assert!(json["why_undecided"].as_str().unwrap().contains("no roster"), "{json:#}");
    let words = replay(&webhook.body, "merge_request", "gitlab", false).await.good();
    assert!(words.starts_with("Fact: ") && words.contains("no roster of `gitlab` is known yet"), "{words}");
    assert_eq!(server.asked(), asked, "no forge was asked");
    assert_eq!(bytes(&server.store_path()), [], "no store was made");
    for wrong in ["show", "retry"] {
        let run = server.run(&["deliveries", wrong, "x"]).await;
        assert_eq!(run.code, Some(2), "the argument comes before the store: {run:?}");
    }

    std::fs::write(server.store_path(), "this is no store, and long enough to be told from one").unwrap();
    let run = replay(&webhook.body, "merge_request", "gitlab", false).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("store") && run.err.contains("usher.db"), "{run:?}");
    let run = server.run(&["explain", &key(&change).to_string()]).await;
    assert_eq!(run.code, Some(1), "{run:?}");
    assert!(run.err.contains("store") && run.err.contains("usher.db"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_is_none_of_our_business_is_told_so_with_the_reason() {
    let mut server = Server::started(Settings::default()).await;
    let change = server.open(Forge::Gitlab, "dora");
    let payload = server.folder.path().join("payload.json");
    std::fs::write(&payload, &server.the_webhook().body).unwrap();
    assert_eq!(server.stop().await, Some(0));
    let says = "is no support engineer, so this is none of Usher's business.";
    let replay = ["replay", payload.to_str().unwrap(), "--event", "merge_request", "--forge", "gitlab"];
    for command in [&replay[..], &["explain", &key(&change).to_string()]] {
        let out = server.run(command).await.good();
        assert!(out.contains("Usher leaves it alone") && out.contains(says), "{out}");
        println!("{out}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_names_event_and_id_of_what_was_not_read() {
    let server = Server::started(Settings::default()).await;
    for forge in BOTH {
        for (body, event, id, answer) in [
            ("no json", "pull_request", "unread-able-1", "unreadable"),
            (r#"{"object_kind":"gollum"}"#, "gollum", "unsupported-2", "unsupported"),
            ("{}", "pull_request", "unverified-3", "unverified"),
        ] {
            let sent = server.clock.now().as_second();
            let headers = sign::headers(forge, event, id, sent, body.as_bytes());
            let body = if answer == "unverified" { "{ }" } else { body };
            let mut request = server.http.post(server.public(&format!("/hooks/{}", name(forge))));
            for (header, value) in headers {
                request = request.header(header, value);
            }
            request.body(body).send().await.unwrap();
            let event = if answer == "unverified" { "" } else { event };
            let line = format!("forge=\"{}\" event=\"{event}\" delivery=\"{id}\"", name(forge));
            let log = server.log();
            let found = log.lines().find(|log| log.contains(&line));
            assert!(found.is_some_and(|log| log.contains(answer)), "{line} {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_needs_a_restart_is_said_at_every_reload_until_it_is_taken_back() {
    let server = Server::started(Settings::default()).await;
    let first = server.company.text(&server.settings);
    server.write_config(
        &server.company.text(&Settings { server: "body_limit = \"1MiB\"", ..server.settings.clone() }),
    );
    let said = |words: &str| server.log().matches(words).count();
    for times in 1..=2 {
        server.signal("HUP");
        until("it is said", async || said("need a restart") == times).await;
    }
    assert_eq!(said("the new configuration is in force"), 0);
    server.write_config(&first);
    server.signal("HUP");
    until("nothing needs a restart", async || said("the new configuration is in force") == 1).await;
    assert_eq!(said("need a restart"), 2);
}

/// The demo with temporary folders in one of our own; told to stop by `signal` once its output and
/// folder are as `ripe` wants. Its exit code and output.
#[cfg(feature = "demo")]
async fn demo_until(ripe: impl Fn(&str) -> bool, signal: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let (temporary, out) = (folder.path().join("tmp"), folder.path().join("out"));
    std::fs::create_dir(&temporary).unwrap();
    let files = || std::fs::read_dir(&temporary).unwrap().count();
    // It may be read in the middle of a character.
    let told = || String::from_utf8_lossy(&std::fs::read(&out).unwrap()).into_owned();
    let mut command = usher(Path::new("none.toml"));
    command.arg("demo").env("TMPDIR", &temporary).stdout(std::fs::File::create(&out).unwrap());
    let mut child = command.stderr(Stdio::inherit()).spawn().unwrap();
    until("the demo is there", async || files() == 1 && ripe(&told())).await;
    assert!(Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap().success());
    let code = tokio::task::spawn_blocking(move || child.wait().unwrap().code()).await.unwrap();
    assert_eq!(files(), 0, "the temporary folder is gone");
    (code, told())
}

#[cfg(feature = "demo")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_ends_cleanly_when_it_is_told_to() {
    for signal in ["INT", "TERM"] {
        let (code, out) = demo_until(|_| true, signal).await;
        assert_eq!(code, Some(1), "{out}");
        assert!(out.ends_with("Stopped in the middle of the week.\n"), "{out}");
        let (code, out) = demo_until(|out| out.contains("stays open"), signal).await;
        assert_eq!(code, Some(0), "{out}");
        assert!(!out.contains("Stopped in the middle"), "{out}");
        let shown = include_str!("../../README.md").split("```text\n").nth(1).unwrap();
        assert!(out.contains(shown.split("```").next().unwrap()), "the README shows something else: {out}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_letter_that_is_discarded_is_never_done() {
    let server = Server::started(Settings::default()).await;
    let refusal = Fault::status(422, "Comments are locked for the flood");
    server.sandbox.fail_next(Forge::Github, "POST", "/comments", refusal, 100);
    let change = server.open(Forge::Github, "sam");
    let dead = async || {
        let list = server.run(&["deliveries", "list", "--json"]).await.json();
        let rows = list["outbox"].as_array().unwrap().iter();
        let mut dead =
            rows.filter(|row| row["state"].as_str().is_some_and(|state| state.starts_with("dead")));
        dead.next().map(|row| row["id"].as_str().unwrap().to_owned())
    };
    server.flowing_until("there is a dead letter", async || dead().await.is_some()).await;
    server.at_rest().await;
    let id = dead().await.unwrap();
    for (wrong, code) in [("out:99999", 1), ("99999", 1), ("x", 2), ("in:1", 2)] {
        let run = server.run(&["deliveries", "discard", wrong]).await;
        assert_eq!(run.code, Some(code), "{run:?}");
    }
    // By its number alone, as somebody reads it from the dashboard.
    let number = id.trim_start_matches("out:");
    let run = server.run(&["deliveries", "discard", number]).await.good();
    assert_eq!(run, format!("{id} is discarded.\n"));
    server.sandbox.clear_faults();
    assert_eq!(server.run(&["deliveries", "discard", &id]).await.code, Some(1), "it is gone");
    assert_eq!(server.run(&["deliveries", "discard", "all"]).await.good(), "There are no dead letters.\n");
    server.at_rest().await;
    assert_eq!(server.comments(&change).len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn explain_says_who_has_it_and_why_and_who_would_be_next() {
    let server = Server::started(Settings::default()).await;
    for (forge, mark) in [(Forge::Gitlab, '!'), (Forge::Github, '#')] {
        let change = server.open(forge, "sam");
        server.flowing_until("it has a reviewer", async || !server.reviewers(&change).is_empty()).await;
        server.at_rest().await;
        let holder = server.reviewers(&change).remove(0);
        let next = if holder == "rita" { "ravi" } else { "rita" };
        let number = key(&change).number;
        // In every form that pages, comments and lists print.
        let forms = [
            key(&change).to_string(),
            format!("{}:{}{mark}{number}", name(forge), project(forge)),
            format!("{}{mark}{number}", project(forge)),
            server.sandbox.web_url(&change),
        ];
        for form in forms {
            let out = server.run(&["explain", &form]).await.good();
            let has_it = format!("\n{holder} has it for backend since ");
            assert!(out.contains(&has_it) && out.contains(": chosen by Usher\n"), "{form}:\n{out}");
            let then = out.lines().find(|line| line.starts_with("  then: "));
            assert!(then.is_some(), "{form}:\n{out}");
            let line = out.lines().find(|line| line.starts_with(&format!("  {next}"))).unwrap();
            assert!(line.contains("next would be: "), "{form}:\n{out}");
        }
        let json = server.run(&["explain", &key(&change).to_string(), "--json"]).await.json();
        assert_eq!(json["holders"][0]["person"], *holder, "{json:#}");
        assert_eq!(json["next"]["backend"], next, "{json:#}");
    }
    for wrong in ["acme/shop", "acme/shop!", "!7", "acme/shop#x", ":a/b!1"] {
        let run = server.run(&["explain", wrong]).await;
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.contains("forge:project!number"), "{run:?}");
    }
}
