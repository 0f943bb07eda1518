//! Mistakes in what only the shell needs: listeners, store, forges.

use super::*;

#[test]
fn listeners() {
    check(
        "[server]\nlisten = \"0.0.0.0:8081\"",
        "17:10 `listen` and `admin` both want port 8081 (give the admin listener a port of its own: \"127.0.0.1:8081\")",
    );
    check(
        "[server]\nadmin = \"0.0.0.0:9000\"",
        "17:9 warning: the admin listener on 0.0.0.0:9000 can be reached from other machines (it asks for no password: keep it on 127.0.0.1, behind a proxy that does)",
    );
    check("[server]\nlisten = \"0.0.0.0:80\"\nadmin = \"[::1]:8081\"", "");
    check("[server]\nlisten = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"", "");
}

#[test]
fn stores() {
    let todo = "write \"sqlite:\" and the path of the database file: \"sqlite:usher.db\"";
    check("[store]\nurl = \"usher.db\"", &format!("17:7 the store's address has no known scheme ({todo})"));
    check("[store]\nurl = \"sqlite:\"", &format!("17:7 the store's address names no file ({todo})"));
    check(
        "[store]\nurl = \"postgres://u:p@host/db\"",
        &format!("17:7 PostgreSQL as a store comes with a later release ({todo})"),
    );
}

#[test]
fn forges() {
    check_instead(
        "name = \"gitlab\"",
        "name = \"Git Lab\"",
        "2:8 `Git Lab` does not fit as the name of a forge (it is part of an address: lower-case letters, digits and `-`, at most 40)",
    );
    check_instead(
        "kind = \"gitlab\"",
        "kind = \"GitLab\"",
        "3:8 unknown kind of forge `GitLab` (did you mean `gitlab`?)",
    );
    check_instead(
        "kind = \"gitlab\"\n",
        "",
        "1:1 [[forge]] needs `kind` (write kind = \"gitlab\" or kind = \"github\")",
    );
    check_instead(
        "token = \"env:TOKEN\"\n",
        "",
        "1:1 [[forge]] needs `token` (write token = \"env:NAME\" and put the access token into that variable)",
    );
    check_instead(
        "projects = [\"acme/*\"]\n",
        "",
        "1:1 a forge needs `projects` (list the projects to watch: projects = [\"acme/*\"])",
    );
    check_instead(
        "[\"acme/*\"]",
        "[]",
        "6:1 a forge needs `projects` (list the projects to watch: projects = [\"acme/*\"])",
    );
    check_instead(
        "[\"acme/*\"]",
        "[\"acme/[\"]",
        "6:13 `acme/[` is no pattern: unclosed character class; missing ']' (`*` stays within a part of the path, `**` crosses parts)",
    );
    check_instead(
        "token = \"env:TOKEN\"",
        "app_id = 7\napp_private_key = \"file:x\"",
        "4:1 a GitLab has no Apps (write token = \"env:NAME\" instead)",
    );
}

const APP: &str = r#"
[[forge]]
name = "github"
kind = "github"
app_id = 7
app_private_key = "file:app.pem"
webhook_secrets = ["env:HOOK"]
projects = ["acme/*"]
[support]
members = ["sam"]
[[pool]]
name = "backend"
members = ["rita"]
"#;

#[test]
fn a_github_app_is_its_id_and_its_key() {
    const GOOD: &[(&str, &str)] =
        &[("app.pem", "-----BEGIN RSA PRIVATE KEY-----\nMIIhush\n-----END RSA PRIVATE KEY-----\n")];
    const BARE: &[(&str, &str)] = &[("app.pem", "MIIhush")];
    const ONE_LINE: &[(&str, &str)] = &[("app.pem", "-----BEGIN RSA PRIVATE KEY----- MIIhush")];
    let variables = [("HOOK", "hook"), ("TOKEN", "t")];
    let config = read_with(APP, GOOD, &variables).unwrap().config;
    assert!(matches!(&config.forges[0].sign_in, SignIn::App { id: 7, .. }));
    assert!(!format!("{config:?}").contains("MIIhush"));
    let without = |line: &str| APP.replace(line, "");
    for (text, files, expected) in [
        (APP.to_owned(), BARE, "is no private key in PEM"),
        (APP.to_owned(), ONE_LINE, "is no private key in PEM"),
        (APP.replace("app_id = 7", "token = \"env:TOKEN\"\napp_id = 7"), GOOD, "as whom Usher acts"),
        (without("app_id = 7\n"), GOOD, "App ID"),
        (without("app_private_key = \"file:app.pem\"\n"), GOOD, "handed out"),
        (without("app_id = 7\napp_private_key = \"file:app.pem\"\n"), GOOD, "of a GitHub App"),
    ] {
        let error = read_with(&text, files, &variables).unwrap_err().to_string();
        assert!(error.contains(expected) && !error.contains("MIIhush"), "{expected}: {error}");
    }
}

#[test]
fn webhook_secrets() {
    let none = "1:1 this forge has no `signing_tokens` and no `secret_tokens`, so no delivery could be trusted (write signing_tokens = [\"env:NAME\"] (secret_tokens before GitLab 19.0) and set the same secret in the webhook)";
    check_instead("secret_tokens = [\"env:HOOK\"]\n", "", none);
    check_instead("[\"env:HOOK\"]", "[]", none);
    check_instead(
        "kind = \"gitlab\"",
        "kind = \"github\"",
        "\
1:1 this forge has no `webhook_secrets`, so no delivery could be trusted (write webhook_secrets = [\"env:NAME\"] and set the same secret in the webhook)
5:1 `secret_tokens` is a key of GitLab, and this forge is of kind github (here it is `webhook_secrets`)",
    );
    check_instead(
        "secret_tokens = [\"env:HOOK\"]",
        "secret_tokens = [\"env:HOOK\"]\nallow_unsigned = true",
        "6:1 warning: `allow_unsigned` does nothing unless `signing_tokens` and `secret_tokens` are both set (it is for the time of a migration from secret tokens to signing tokens)",
    );
}

#[test]
fn addresses_of_forges() {
    let gitlab = |url: &str, expected: &str| {
        check_instead("kind = \"gitlab\"", &format!("kind = \"gitlab\"\nurl = \"{url}\""), expected);
    };
    gitlab(
        "gitlab.example.com",
        "4:7 this is no address of a forge (write it in full: \"https://gitlab.example.com\")",
    );
    gitlab(
        "ftp://gitlab.example.com",
        "4:7 the address of a forge begins with https:// (write it in full: \"https://gitlab.example.com\")",
    );
    gitlab(
        "https://a:b@gitlab.example.com",
        "4:7 the address of a forge has no user, `?` or `#` in it (the token goes into `token`)",
    );
    gitlab(
        "https://gitlab.example.com/api/v4/",
        "4:7 the address of a GitLab is written without the path of its API (leave out /api/v4)",
    );
    gitlab(
        "http://gitlab.example.com",
        "4:7 warning: the token travels unencrypted to this forge (use https://)",
    );
    gitlab("http://127.0.0.1:8929", "");
    let github = |url: &str, expected: &str| {
        let kind = format!("kind = \"github\"\nurl = \"{url}\"");
        let text =
            LEAST.replacen("kind = \"gitlab\"", &kind, 1).replacen("secret_tokens", "webhook_secrets", 1);
        check_text(&text, expected);
    };
    github(
        "https://github.com",
        "4:7 github.com is not where GitHub's API answers (leave `url` out, or write \"https://api.github.com\")",
    );
    github(
        "https://ghe.example.com",
        "4:7 warning: this does not look like the address of a GitHub API (GitHub Enterprise Server answers at \"https://ghe.example.com/api/v3\")",
    );
    github("https://ghe.example.com/api/v3", "");
    github("http://127.0.0.1:4000", "");
    let slash =
        LEAST.replacen("kind = \"gitlab\"", "kind = \"gitlab\"\nurl = \"https://git.example.com/lab/\"", 1);
    assert_eq!(good(&slash).forges[0].url, "https://git.example.com/lab");
}

#[test]
fn the_names_of_the_admin_listener() {
    let text = format!(
        "{LEAST}[server]\nadmin_names = [\"Usher.example.com\"]\nmetrics_token = \"env:TOKEN\"\n[commands]\nhandle = \"helper\""
    );
    let config = good(&text);
    assert_eq!(config.server.admin_names, ["usher.example.com"]);
    assert!(config.metrics_token.is_some());
    assert_eq!(config.policy.handle.as_deref(), Some("helper"));
    assert!(!format!("{config:?}").contains("glpat-abc"));
    assert_eq!(good(LEAST).policy.handle, None);
    assert_eq!(good(LEAST).policy.contact, None);
    let contact = good(&format!("{LEAST}[escalation]\ncontact = \"lena\"")).policy.contact;
    assert_eq!(contact.as_deref(), Some("lena"));
    check("[escalation]\ncontact = \"@lena\"", "17:11 `@lena` begins with `@` (write \"lena\")");
    check(
        "[server]\nadmin_names = [\"https://usher.example.com\"]",
        "17:16 `https://usher.example.com` is no name of a host (write it without https:// and port: \"usher.example.com\")",
    );
    check("[commands]\nhandle = \"@usher\"", "17:10 `@usher` begins with `@` (write \"usher\")");
    check(
        "[server]\nmetrics_token = \"hush\"",
        "17:17 a secret must not stand in the configuration itself (write \"env:NAME\" for an environment variable or \"file:PATH\" for a file; if this was a real secret, replace it on the forge)",
    );
}
