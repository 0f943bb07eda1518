//! Every key that the configuration knows, section by section.
//!
//! The reader looks nothing up that is not listed here, and a test proves that each of these keys
//! is explained in `config/usher.toml`.

/// The keys of one section.
#[derive(Debug)]
pub(crate) struct Keys {
    /// How the section is written: `[server]`, `[[pool]]`; empty for the top of the file.
    pub title: &'static str,
    pub names: &'static [&'static str],
}

macro_rules! sections {
    ($($name:ident $title:literal [$($key:literal)*])*) => {
        $(pub(crate) const $name: Keys = Keys { title: $title, names: &[$($key),*] };)*
        /// All sections.
        pub(crate) const ALL: &[&Keys] = &[$(&$name),*];
    };
}

sections! {
    ROOT "" ["dry_run" "server" "store" "forge" "support" "maintainers" "person" "pool" "route" "calendar" "timebox"
        "timebox_rule" "labels" "limits" "escalation" "comments" "commands" "templates" "scope" "tickets" "reconcile"]
    SERVER "[server]" ["listen" "admin" "admin_names" "metrics_token" "body_limit" "keep_bodies"]
    STORE "[store]" ["url"]
    FORGE "[[forge]]" ["name" "kind" "url" "token" "app_id" "app_private_key" "webhook_secrets"
        "signing_tokens" "secret_tokens" "allow_unsigned" "projects" "changes_at_once" "ca_file" "proxy"
        "maintenance"]
    SUPPORT "[support]" ["members" "gitlab_groups" "github_teams" "except" "lead" "calendar"]
    MAINTAINERS "[maintainers]" ["members" "gitlab_groups" "github_teams"]
    PERSON "[[person]]" ["name" "gitlab" "github" "calendar" "timezone" "days" "hours" "capacity"
        "away"]
    POOL "[[pool]]" ["name" "members" "gitlab_groups" "github_teams" "lead" "leads" "reviewers" "approvals"
        "capacity" "calendar" "timebox"]
    ROUTE "[[route]]" ["pool" "projects" "paths" "labels" "target_branches" "forges" "codeowners"
        "timebox"]
    CALENDAR "[[calendar]]" ["name" "timezone" "days" "hours" "holidays" "holidays_ics" "holidays_skip" "workdays"]
    HOURS "the hours of a week" ["mon" "tue" "wed" "thu" "fri" "sat" "sun" "other"]
    TIMEBOX "[timebox]" ["waiting" "reviewing" "with_author" "ready_to_merge"]
    WAITING "[timebox.waiting]" ["budget" "steps"]
    REVIEWING "[timebox.reviewing]" ["budget" "steps"]
    WITH_AUTHOR "[timebox.with_author]" ["budget" "steps"]
    READY_TO_MERGE "[timebox.ready_to_merge]" ["budget" "steps"]
    TIMEBOX_RULE "[[timebox_rule]]" ["name" "min_lines" "max_lines" "max_files" "labels" "waiting"
        "reviewing" "with_author" "ready_to_merge"]
    STEP "a step" ["at" "do"]
    LABELS "[labels]" ["contribution" "waiting" "reviewing" "with_author" "ready_to_merge" "overdue"
        "skip" "out_of_scope" "priority"]
    LIMITS "[limits]" ["pings_per_change" "pings_per_person_per_day" "first_run_changes_per_day"
        "max_pools" "snooze_max"]
    ESCALATION "[escalation]" ["contact"]
    COMMENTS "[comments]" ["verdicts"]
    COMMANDS "[commands]" ["handle"]
    TEMPLATES "[templates]" ["status" "remind" "escalate" "ask"]
    SCOPE "[scope]" ["labels" "titles" "max_lines" "max_files"]
    TICKETS "[tickets]" ["system" "webhook"]
    TICKETS_SYSTEM "[[tickets.system]]" ["name" "kind" "projects" "pattern"]
    TICKETS_WEBHOOK "[tickets.webhook]" ["url" "signing_token"]
    RECONCILE "[reconcile]" ["every"]
}
