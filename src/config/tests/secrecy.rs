//! No secret is ever printed, however it is misplaced.

use proptest::prelude::*;

use super::*;

const SECRET: &str = "Xk93hfQpLw72ZmTb";

#[test]
fn references_are_followed_and_a_line_break_at_the_end_is_no_part_of_a_secret() {
    use ::secrecy::ExposeSecret;
    let text = LEAST.replace("env:TOKEN", "file:secrets/token").replace("env:HOOK", "file:/etc/usher/hook");
    let files = &[("secrets/token", "glpat-1\n"), ("hook", "two words\r\n")];
    let config = read_with(&text, files, &[]).unwrap().config;
    let SignIn::Token(token) = &config.forges[0].sign_in else { panic!("a token was configured") };
    assert_eq!(token.expose_secret(), "glpat-1");
    assert_eq!(config.forges[0].secret_tokens[0].expose_secret(), "two words");
}

#[test]
fn debug_prints_no_secret() {
    let variables = [("TOKEN", SECRET), ("HOOK", SECRET)];
    let mut loaded = read_with(LEAST, &[], &variables).unwrap();
    loaded.config.store_url = format!("sqlite://usher:{SECRET}@host/path");
    let debug = format!("{loaded:?}");
    assert!(!debug.contains(SECRET), "{debug}");
    assert!(debug.contains("acme/*"), "{debug}");
}

/// Each way to put a secret where it does not belong.
#[test]
fn reports_print_no_secret() {
    let cases = [
        r#"token = "SECRET""#,
        r#"tokn = "SECRET""#,
        r#"pat = "SECRET""#,
        r#"pat = { a = "SECRET" }"#,
        r#"token = ["SECRET"]"#,
        "token = [\n  \"env:TOKEN\",\n  \"SECRET\"\n]",
        "secret_tokens = [\n  \"env:HOOK\",\n  \"SECRET\" ]",
        r#"secret_tokens = "SECRET""#,
        r#"secret_tokens = ["SECRET", 3]"#,
        r#"webhook_secrets = ["SECRET"]"#,
        r#"signing_tokens = ["whsec_SECRET"]"#,
        "token = \"\"\"\nSECRET\n\"\"\"",
        r#"app_private_key = "SECRET""#,
        "app_private_key = '''\n-----BEGIN KEY-----\nSECRET\n-----END KEY-----\n'''",
        r#"url = "https://oauth2:SECRET@gitlab.example.com""#,
        r#"token = "SECRET"#,
        r#"token = SECRET"#,
        r#"token "SECRET""#,
        "token = [\n\"SECRET\n]",
        "token = \"\"\"\nSECRET\n",
        r#"name = "glpat-SECRET"#,
        r#"token = "env:SECRET""#,
        r#"token = "env:glpat-SECRET""#,
        r#"token = "env: SECRET!""#,
        "tok\n= \"SECRET\"",
        r#"calendar = SECRET"#,
        r#"kind = "SECRET""#,
        r#"projects = ["SECRET["]"#,
    ];
    for case in cases {
        let case = case.replace("SECRET", SECRET);
        let text = LEAST.replace("name = \"gitlab\"", &format!("name = \"gitlab\"\n{case}"));
        // Also without the line that the case stands for, so that it is more than a double key.
        let key = case.split([' ', '=']).next().unwrap_or_default();
        let alone: String = LEAST
            .lines()
            .filter(|line| !line.starts_with(&format!("{key} =")))
            .map(|line| format!("{line}\n"))
            .collect();
        let alone = alone.replace("kind = \"gitlab\"", &format!("kind = \"gitlab\"\n{case}"));
        for text in [text, alone] {
            let mistakes = read(&text).expect_err(&text);
            let report = format!("{mistakes}{mistakes:?}{}", mistakes.render(true));
            assert!(!report.contains(SECRET), "{text}\n{report}");
        }
    }
}

#[test]
fn secrets_in_the_environment_are_not_printed_either() {
    let text = LEAST
        .replace("secret_tokens = [\"env:HOOK\"]", "signing_tokens = [\"env:HOOK\", \"env:H2\", \"env:H3\"]");
    let short_key = format!("whsec_{SECRET}");
    let variables = [
        ("TOKEN", "Xk93hfQpLw72ZmTb two"),
        ("HOOK", SECRET),
        ("H2", &short_key),
        ("H3", "whsec_!Xk93hfQpLw72ZmTb"),
    ];
    let result = read_with(&text, &[], &variables);
    assert_eq!(
        short(&result),
        "\
4:9 the token in `env:TOKEN` has spaces, line breaks or other odd characters (look for a stray space or a second line)
5:19 the value of `env:HOOK` is no signing token: it does not begin with `whsec_` (copy the signing token of the webhook as GitLab shows it once: `whsec_` and 44 characters)
5:31 the value of `env:H2` holds a key of 12 bytes instead of 32 (copy the signing token of the webhook as GitLab shows it once: `whsec_` and 44 characters)
5:41 the value of `env:H3` is no signing token: what follows `whsec_` is not base64 (copy the signing token of the webhook as GitLab shows it once: `whsec_` and 44 characters)
"
    );
    assert!(!result.unwrap_err().to_string().contains(SECRET));
}

#[test]
fn secrets_that_are_not_there_are_named() {
    let text = LEAST.replace("env:TOKEN", "env:TOKNE").replace("env:HOOK", "file:hook");
    assert_eq!(
        short(&read_with(&text, &[], &[])),
        "\
4:9 the environment variable `TOKNE` is not set (set it; or did you mean `env:TOKEN`?)
5:18 cannot read the secret file `hook`: entity not found (relative paths start at the folder of the configuration file)
"
    );
    let empty = LEAST.replace("env:TOKEN", "env:EMPTY").replace("env:HOOK", "file:hook");
    assert_eq!(
        short(&read_with(&empty, &[("hook", "\n")], &[("EMPTY", " ")])),
        "\
4:9 the environment variable `EMPTY` is empty (set it to the secret)
5:18 the secret file `hook` is empty (write the secret into it)
"
    );
}

proptest! {
    /// Whatever happens to the text: a configuration or a report, but no panic and no secret.
    #[test]
    fn mangled_text_neither_panics_nor_leaks(
        cuts in prop::collection::vec((0usize..9000, 0usize..12, "[\\PC\n]{0,6}"), 1..6),
        whole in prop::bool::ANY,
    ) {
        let mut text = if whole { include_str!("../../../config/usher.toml").to_owned() } else { LEAST.to_owned() };
        for (at, length, put) in cuts {
            let mut start = at % (text.len() + 1);
            while !text.is_char_boundary(start) { start -= 1; }
            let mut end = (start + length).min(text.len());
            while !text.is_char_boundary(end) { end += 1; }
            text.replace_range(start..end, &put);
        }
        let result = read_with(&text, &[], &[("TOKEN", SECRET), ("HOOK", SECRET)]);
        let printed = match &result {
            Ok(loaded) => format!("{loaded:?}{}", loaded.warnings),
            Err(mistakes) => mistakes.to_string(),
        };
        prop_assert!(!printed.contains(SECRET));
    }
}

#[test]
fn weak_webhook_secrets_are_warned_of() {
    let warned = |hook: &'static str| short(&read_with(LEAST, &[], &[("HOOK", hook)]));
    let todo = "take a long random one: `openssl rand -hex 32` makes one";
    let expected = format!("5:18 warning: a webhook secret of 3 characters can be guessed ({todo})\n");
    assert_eq!(warned("abc"), expected);
    assert_eq!(warned("sixteen letters!"), "");
    let misplaced = "5:18 warning: the value of `env:HOOK` looks like a signing token \
        (put it under `signing_tokens`: GitLab signs with it, and never sends it)\n";
    assert_eq!(warned(SIGNING_TOKEN), misplaced);
}

#[test]
fn a_private_key_may_come_on_one_line_or_packed() {
    use ::secrecy::ExposeSecret;
    use base64::Engine;
    const PEM: &str = "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\nMIIdef\n-----END RSA PRIVATE KEY-----";
    let text = LEAST
        .replace("kind = \"gitlab\"", "kind = \"github\"")
        .replace("token = \"env:TOKEN\"", "app_id = 1\napp_private_key = \"env:KEY\"")
        .replace("secret_tokens", "webhook_secrets");
    let base64 = base64::engine::general_purpose::STANDARD.encode(format!("{PEM}\n"));
    let (first, rest) = base64.split_at(60);
    for written in [
        PEM.to_owned(),
        format!("{PEM}\n"),
        PEM.replace('\n', "\r\n"),
        PEM.replace('\n', "\\n"),
        PEM.replace('\n', "\\r\\n"),
        base64.clone(),
        format!("{first}\n{rest}"),
    ] {
        let config = read_with(&text, &[], &[("KEY", &written)]).unwrap_or_else(|m| panic!("{m}")).config;
        let SignIn::App { private_key, .. } = &config.forges[0].sign_in else { panic!("an App") };
        assert_eq!(private_key.expose_secret().replace("\r\n", "\n"), PEM, "{written}");
    }
    for wrong in ["MIIabc", "-----BEGIN RSA PRIVATE KEY-----", "c29tZXRoaW5nIGVsc2U="] {
        let report = short(&read_with(&text, &[], &[("KEY", wrong)]));
        assert!(report.contains("`env:KEY` leads to is no private key in PEM"), "{wrong}: {report}");
    }
}

#[test]
fn without_secrets_everything_else_is_looked_at() {
    let text = LEAST
        .replace("env:TOKEN", "env:NOT_HERE")
        .replace("secret_tokens = [\"env:HOOK\"]", "signing_tokens = [\"file:not/here\"]");
    let look = |text: &str| {
        let mut outside = outside(&[])(&[]);
        outside.needs_secrets = false;
        parse(text, "usher.toml", &outside)
    };
    let expected = "4:9 warning: the environment variable `NOT_HERE` is not set (it was not looked at; the server needs it)\n\
        5:19 warning: cannot read the secret file `not/here`: entity not found (it was not looked at; the server needs it)\n";
    assert_eq!(short(&look(&text)), expected);
    let wrong = short(&look(&text.replace("acme/*", "acme/[")));
    assert!(wrong.contains("6:13 `acme/[` is no pattern"), "{wrong}");
    let literal = short(&look(&text.replace("env:NOT_HERE", "glpat-written-here")));
    assert!(literal.contains("4:9 a secret must not stand in the configuration itself"), "{literal}");
    let here = short(&look(&text.replace("env:NOT_HERE", "env:TOKEN").replace("file:not/here", "env:HOOK")));
    assert!(here.contains("is no signing token"), "what is there is looked at: {here}");
    let mistakes = read(&text).unwrap_err();
    assert_eq!(mistakes.count(Severity::Mistake), 2, "the server needs them: {mistakes}");
}
