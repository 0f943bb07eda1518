//! `[scope]` and `[tickets]`: what is read, and what is said of mistakes.

use super::*;
use usher_core::model::tickets::Ticket;

const TOKEN: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn nothing_is_out_of_scope_and_no_ticket_is_looked_for_by_default() {
    let config = good(LEAST);
    assert!(!config.policy.scope.needs_size() && config.policy.scope.labels.is_empty());
    assert!(config.policy.tickets.is_empty());
    assert!(config.ticket_webhook.is_none() && !config.policy.announces_merges);
}

#[test]
fn rules_systems_and_webhook_are_read() {
    let text = format!(
        "{LEAST}[scope]\nlabels = [\"feature\"]\ntitles = ['^feat']\nmax_lines = 9\n[[tickets.system]]\nname = \"sup\"\nkind = \"jira\"\nprojects = [\"SUP\"]\n[tickets.webhook]\nurl = \"https://desk.example.com/h?k=geheim\"\nsigning_token = \"env:DESK\"\n"
    );
    let loaded = read_with(&text, &[], &[("DESK", TOKEN)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let config = loaded.config;
    assert_eq!(config.policy.scope.max_lines, Some(9));
    assert!(config.policy.scope.titles[0].is_match("feat: x") && config.policy.announces_merges);
    let found = config.policy.tickets.find("SUP-1");
    assert_eq!(found, [Ticket { system: "sup".into(), reference: "SUP-1".into() }].into());
    let shown = format!("{config:?}");
    assert!(!shown.contains("geheim") && !shown.contains("MfKQ9r8"), "{shown}");
}

#[test]
fn mistakes_of_scope_and_tickets() {
    check("[scope]\nlabel = [\"x\"]", "17:1 unknown key `label` in [scope] (did you mean `labels`?)");
    check(
        "[scope]\ntitles = ['(']",
        "17:11 `(` is no pattern: unclosed group (write a regular expression in the syntax of the regex crate, best in single quotes)",
    );
    check(
        "[scope]\nmax_files = 0",
        "17:13 a number out of range (write a whole number from 1 to 1000000, without quotes)",
    );
    check(
        "[[tickets.system]]\nname = \"a\"\nkind = \"zendsk\"",
        "18:8 unknown kind of ticket system `zendsk` (did you mean `zendesk`?)",
    );
    check(
        "[[tickets.system]]\nname = \"a\"\nkind = \"url\"",
        "16:1 [[tickets.system]] needs `pattern` (write pattern = 'https://desk\\.example\\.com/tickets/(?<ref>[0-9]+)')",
    );
    check(
        "[[tickets.system]]\nname = \"a\"\nkind = \"url\"\npattern = 'x[0-9]'",
        "19:11 `x[0-9]` is no pattern: it has no group `(?<ref>…)` (write a regular expression in the syntax of the regex crate, best in single quotes)",
    );
    check(
        "[[tickets.system]]\nname = \"a\"\nkind = \"zendesk\"\nprojects = [\"SUP\"]",
        "19:1 `projects` means nothing for a ticket system of kind `zendesk` (leave it out, or choose another kind)",
    );
    check(
        "[[tickets.system]]\nname = \"a\"\nkind = \"jira\"\nprojects = [\"sup\"]",
        "19:13 `sup` is no project key (write it as in KEY-123: \"KEY\")",
    );
}

#[test]
fn mistakes_of_the_webhook() {
    let system = "[[tickets.system]]\nname = \"a\"\nkind = \"zendesk\"\n[tickets.webhook]\n";
    check(
        &format!("{system}url = \"https://x.example\""),
        "19:1 [tickets.webhook] needs `signing_token` (write signing_token = \"env:NAME\", so that the receiver can tell that it comes from Usher)",
    );
    check(
        &format!("{system}url = \"http://x.example\"\nsigning_token = \"env:USHER_GITLAB_SIGNING_TOKEN\""),
        "20:7 a webhook leaves this machine by https:// only (write it in full: \"https://desk.example.com/hooks/usher\")",
    );
    check(
        &format!("{system}url = \"https://x.example\"\nsigning_token = \"env:TOKEN\""),
        "21:17 the value of `env:TOKEN` is no signing token (it is `whsec_` and the base64 of 24 to 64 random bytes)",
    );
}
