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
