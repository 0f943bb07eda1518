//! The answer table of intake, over a socket to the real process; and what a wrong configuration
//! is told.

use sqlx::{Connection, SqliteConnection};
use usher_sandbox::{Forge, SignedRequest};

use super::harness::{BOTH, Settings, name};
use super::server::{Run, Server};
use super::sign;

/// Posts a body with these headers; status, `Retry-After` and body of the answer.
async fn post(
    server: &Server,
    path: &str,
    headers: &[(&'static str, String)],
    body: Vec<u8>,
) -> (u16, Option<String>, String) {
    let mut request = server.http.post(server.public(path)).body(body);
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    let answer = request.send().await.unwrap();
    let again = answer.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    (answer.status().as_u16(), again, answer.text().await.unwrap())
}

/// What a forge that knows the secret would be told about this body.
async fn signed(server: &Server, forge: Forge, event: &str, body: &str) -> (u16, String) {
    let id = format!("by-hand-{event}-{}", body.len());
    let headers =
        sign::headers(forge, event, &id, usher::clock::Clock::system().now().as_second(), body.as_bytes());
    let (status, _, text) = post(server, &format!("/hooks/{}", name(forge)), &headers, body.into()).await;
    (status, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_of_the_answer_table_holds_over_a_socket() {
    let server = Server::started(Settings { server: "body_limit = \"64KiB\"", ..Settings::default() }).await;
    for forge in BOTH {
        let path = format!("/hooks/{}", name(forge));
        server.open(forge, "sam");
        let request = server.the_webhook();
        assert_eq!(server.sandbox.send(&request).await, Some(202), "stored");
        assert_eq!(server.sandbox.send(&request).await, Some(200), "a duplicate");
        server.at_rest().await;
        server.open(forge, "dora");
        assert_eq!(server.deliver().await, [Some(200)], "not about a support contribution");

        let unsupported =
            signed(&server, forge, "wiki_page", r#"{"object_kind":"wiki_page","action":"x"}"#).await;
        assert_eq!(unsupported, (200, r#"{"answer":"unsupported"}"#.into()));
        let event = if forge == Forge::Gitlab { "Merge Request Hook" } else { "pull_request" };
        let kind = match forge {
            Forge::Gitlab => r#"{"object_kind":"merge_request","object_attributes":{"iid":"x"}}"#,
            Forge::Github => r#"{"action":"opened","pull_request":{"number":"x"}}"#,
        };
        for (body, says) in
            [("no json", "JSON"), ("[]", "JSON"), ("\"text\"", "JSON"), ("", "empty"), (kind, ":")]
        {
            let (status, text) = signed(&server, forge, event, body).await;
            assert_eq!(status, 400, "{body}: {text}");
            let error = serde_json::from_str::<serde_json::Value>(&text).unwrap()["error"].clone();
            assert!(error.as_str().is_some_and(|error| error.len() > 10 && error.contains(says)), "{text}");
            println!("{}: {body} is answered {text}", name(forge));
        }
        for (what, headers) in unverifiable(forge, &request) {
            let (status, _, text) = post(&server, &path, &headers, request.body.to_vec()).await;
            assert_eq!((status, text.as_str()), (401, r#"{"error":"unauthorized"}"#), "{forge:?}: {what}");
        }
        let headers = headers_of(&request);
        assert_eq!(post(&server, "/hooks/nobody", &headers, request.body.to_vec()).await.0, 404);
        let (status, _, text) = post(&server, &path, &headers, vec![b' '; 65 * 1024]).await;
        assert_eq!(status, 413, "{text}");
        let (status, _, _) = post(&server, &path, &[], vec![b' '; 2 << 20]).await;
        assert_eq!(status, 413, "larger by far");
    }
    let get = server.http.get(server.public("/hooks/gitlab")).send().await.unwrap();
    assert_eq!(get.status(), 405);
    assert_eq!(server.http.get(server.public("/healthz")).send().await.unwrap().status(), 200);
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

fn headers_of(request: &SignedRequest) -> Vec<(&'static str, String)> {
    let leak = |name: &str| &*name.to_owned().leak();
    request.headers.iter().map(|(name, value)| (leak(name), value.clone())).collect()
}

/// Ways to be nobody whom Usher knows.
fn unverifiable(forge: Forge, good: &SignedRequest) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    let is_signature =
        |name: &str| name.eq_ignore_ascii_case("webhook-signature") || name == "X-Hub-Signature-256";
    let with = |signature: Option<&str>| {
        let mut headers = headers_of(good);
        match signature {
            None => headers.retain(|(name, _)| !is_signature(name)),
            Some(other) => headers
                .iter_mut()
                .filter(|(name, _)| is_signature(name))
                .for_each(|(_, value)| *value = other.to_owned()),
        }
        headers
    };
    let now = usher::clock::Clock::system().now().as_second();
    let mut ways = vec![
        ("no signature", with(None)),
        ("an empty one", with(Some(""))),
        ("rubbish", with(Some("sha256=zz,v1,zz"))),
        ("another body's", sign::headers(forge, &good.event, &good.delivery_id, now, b"{}")),
    ];
    if forge == Forge::Gitlab {
        let old = sign::headers(forge, &good.event, &good.delivery_id, now - 301, &good.body);
        let early = sign::headers(forge, &good.event, &good.delivery_id, now + 330, &good.body);
        ways.extend([("too old", old), ("from the future", early)]);
    }
    ways
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_cannot_take_it_is_answered_503_and_nothing_is_lost_after() {
    let server = Server::started(Settings::default()).await;
    let change = server.open(Forge::Gitlab, "sam");
    let request = server.the_webhook();
    let path = format!("sqlite:{}", server.store_path().display());
    let mut lock = SqliteConnection::connect(&path).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
    let (status, again, text) =
        post(&server, "/hooks/gitlab", &headers_of(&request), request.body.to_vec()).await;
    assert_eq!(status, 503, "{text}");
    assert_eq!(again.as_deref(), Some("30"));
    lock.close().await.unwrap();
    let status = server.sandbox.send(&request).await;
    assert!(matches!(status, Some(200 | 202)), "{status:?}");
    server.at_rest().await;
    server.assert_one_status_comment(&change);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_configuration_is_told_every_mistake_and_exits_with_2() {
    let server = Server::planned(Settings::default()).await;
    let good = server.company.text(&server.settings);
    assert_eq!(server.run(&["check"]).await.code, Some(0));
    let wrong = good
        .replace("[server]", "colour = \"red\"\n[server]\nlistne = \"127.0.0.1:1\"")
        .replace("env:GITHUB_TOKEN", "env:NO_SUCH_VARIABLE")
        .replace("token = \"env:GITLAB_TOKEN\"", "token = \"glpat-written-right-here\"")
        .replace("timezone = \"Europe/London\"", "timezone = \"Europe/Londn\"")
        .replace("pool = \"backend\"", "pool = \"backnd\"")
        .replace("capacity = 5", "capacity = \"many\"");
    server.write_config(&wrong);
    let line = |part: &str| wrong.lines().position(|line| line.contains(part)).unwrap() + 1;
    for command in [&["check"][..], &["serve"], &["explain", "gitlab:acme/shop!1"], &["deliveries"]] {
        let run = server.run(command).await;
        assert_eq!(run.code, Some(2), "{command:?}: {run:?}");
        for (place, says) in [
            ("colour", "colour"),
            ("listne", "listen"),
            ("NO_SUCH_VARIABLE", "NO_SUCH_VARIABLE"),
            ("token = \"[", "env:"),
            ("Londn", "Europe/London"),
            ("backnd", "backend"),
            ("\"many\"", "capacity"),
        ] {
            let place = if place.starts_with("token") { line("glpat-written") } else { line(place) };
            let told = run.err.split("\n\n").find(|told| told.contains(&format!("usher.toml:{place}:")));
            let told = told.unwrap_or_else(|| panic!("nothing about line {place}:\n{}", run.err));
            assert!(told.contains(says), "line {place} should say `{says}`:\n{told}");
        }
        assert!(!run.err.contains("glpat-written-right-here"), "a secret is not repeated:\n{}", run.err);
    }
    for command in ["check", "deliveries"] {
        let run = server.run(&[command, "--json"]).await;
        assert_eq!((run.code, run.err.as_str()), (Some(2), ""), "{command}");
        let report: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(report["config"], "bad");
        let mistakes = report["mistakes"].as_array().unwrap();
        let at = |part: &str| mistakes.iter().find(|one| one["line"] == line(part)).unwrap();
        assert_eq!(at("listne")["remedy"], "did you mean `listen`?", "{report:#}");
        assert_eq!((&at("colour")["severity"], &at("colour")["column"]), (&"mistake".into(), &1.into()));
        assert!(at("colour")["file"].as_str().unwrap().ends_with("usher.toml"));
        let missing = at("NO_SUCH_VARIABLE");
        assert_eq!(missing["severity"], if command == "check" { "warning" } else { "mistake" });
        assert!(!run.out.contains("glpat-written-right-here"), "{}", run.out);
    }
    assert!(!server.store_path().exists(), "nothing was begun");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_needs_no_secrets_and_tells_the_days_off() {
    let server = Server::planned(Settings { always: true, ..Settings::default() }).await;
    let ics = "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20200501\nRRULE:FREQ=YEARLY\nSUMMARY:May Day\n\
        END:VEVENT\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20200214\nRRULE:FREQ=YEARLY\nSUMMARY:Valentine\n\
        DESCRIPTION:Observance\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART:20200601T120000\nSUMMARY:Lunch\nEND:VEVENT\n\
        END:VCALENDAR\n";
    std::fs::write(server.folder.path().join("days.ics"), ics).unwrap();
    let text = server.company.text(&server.settings);
    let text = text.replace("name = \"london\"", "name = \"london\"\nholidays_ics = [\"days.ics\"]");
    server.write_config(&text.replace("env:GITHUB_TOKEN", "env:NO_SUCH_VARIABLE"));
    let run = server.run(&["check"]).await;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("`NO_SUCH_VARIABLE` is not set"), "{run:?}");
    assert!(
        run.err.contains("`days.ics`: an event that is no day off is left out: `Lunch` of 2020-06-01"),
        "{run:?}"
    );
    let year = jiff::tz::TimeZone::UTC.to_datetime(usher::clock::Clock::system().now()).year();
    let says = format!("1 day off in {year}, 1 day off in {}\n", year + 1);
    assert!(run.out.contains(&says) && !run.out.contains("May Day"), "{run:?}");
    let run = server.run(&["check", "--verbose"]).await;
    assert!(run.out.contains(&format!("  {}-05-01 ", year + 1)) && run.out.contains(" May Day\n"), "{run:?}");
    assert!(run.out.contains(" Valentine, left out\n"), "{run:?}");
    let json = server.run(&["check", "--json"]).await;
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let calendars = json["calendars"].as_object().unwrap().values().next().unwrap();
    assert_eq!(calendars[year.to_string()]["free"], 1, "{json:#}");
    assert_eq!(calendars[year.to_string()]["days"][format!("{year}-05-01")], "May Day", "{json:#}");
    // The secret, what the file holds beside, and a pool that no route leads to.
    assert_eq!(json["warnings"].as_array().unwrap().len(), 3, "{json:#}");
    let online = server.run(&["check", "--online"]).await;
    assert_eq!(online.code, Some(2), "there they are needed: {online:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_usage_exits_with_2_and_failures_with_1() {
    let server = Server::planned(Settings::default()).await;
    for wrong in [&["dance"][..], &["explain"], &["explain", "shop"], &["explain", "nowhere:a/b!1"]] {
        let run = server.run(wrong).await;
        assert_eq!(run.code, Some(2), "{wrong:?}: {run:?}");
    }
    let missing = server.run(&["explain", "gitlab:acme/shop!99"]).await;
    assert_eq!(missing.code, Some(1), "{missing:?}");
    let nowhere = server.run(&["--config", "/nowhere/usher.toml", "check"]).await;
    assert_eq!(nowhere.code, Some(2), "{nowhere:?}");
}

#[tokio::test]
async fn without_a_name_the_configuration_of_the_folder_is_taken() {
    let server = Server::planned(Settings::default()).await;
    let run = |folder: &std::path::Path| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_usher"));
        command.env_remove("USHER_CONFIG").arg("check").current_dir(folder);
        Run::from(command.output().unwrap())
    };
    let told = run(server.folder.path()).good();
    assert!(told.contains("usher.toml is good"), "{told}");
    let elsewhere = tempfile::tempdir().unwrap();
    let nothing = run(elsewhere.path());
    assert_eq!(nothing.code, Some(2), "{nothing:?}");
    for part in ["./usher.toml", "/etc/usher/usher.toml", "--config", "USHER_CONFIG"] {
        assert!(nothing.err.contains(part), "{part}: {}", nothing.err);
    }
}
