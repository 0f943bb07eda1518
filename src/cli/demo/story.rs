//! The story: what the people of the company do in a week. Whom Usher asks is not written here; the
//! scenes ask the sandbox who the reviewer is.

use jiff::Timestamp;
use jiff::civil::date;
use jiff::tz::TimeZone;
use usher_sandbox::{Forge, NewChange, Verdict};

use super::habits;
use super::scene::{FRI, MON, Scene, SceneAct, THU, TUE, WED, add, approve, decline, merge, new, open};

/// The zone of the timeline.
pub(super) fn zone() -> TimeZone {
    TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC)
}

/// A moment of the week that begins on Monday, 23 November 2026.
fn moment(day: i8, hour: i8, minute: i8) -> Timestamp {
    let local = date(2026, 11, 23 + day).at(hour, minute, 0, 0);
    zone().to_timestamp(local).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Monday morning.
pub(super) fn start() -> Timestamp {
    moment(0, 8, 30)
}

/// Friday evening.
pub(super) fn end() -> Timestamp {
    moment(4, 18, 0)
}

/// The week, in order.
pub(super) fn week() -> Vec<Scene> {
    let scene = |(day, hour, minute), words, act| Scene { at: moment(day, hour, minute), words, act };
    let mut scenes = vec![
        scene((MON, 9, 30), "Sam fixes the rounding of VAT that a customer reported", |c| {
            open(c, "vat", Forge::Gitlab, "acme/shop", "sam", "Round VAT per invoice line", &["src/vat.rs"])
        }),
        scene((MON, 10, 0), "Dora, a developer, opens a change of her own: none of Usher's business", |c| {
            open(c, "dora", Forge::Gitlab, "acme/shop", "dora", "Upgrade the compiler", &["build.toml"])
        }),
        scene((MON, 10, 15), "Siobhan starts on the handbook, as a draft", |c| {
            let change =
                NewChange { draft: true, ..new("siobhan", "Explain the export", &["docs/export.md"]) };
            add(c, "export", Forge::Gitlab, "acme/handbook", change)
        }),
        scene((MON, 10, 40), "The reviewer asks Sam for a test", |c| {
            let (change, who) = (c.change("vat")?, c.reviewer("vat")?);
            Ok(c.sandbox.review(
                &change,
                &who,
                Verdict::RequestChanges,
                "Could you add a test with three lines?",
            )?)
        }),
        scene((MON, 11, 0), "Siobhan marks the handbook change ready", |c| {
            Ok(c.sandbox.mark_ready(&c.change("export")?, "siobhan")?)
        }),
        scene((MON, 11, 30), "Sam pushes the test", |c| Ok(c.sandbox.push(&c.change("vat")?, "sam")?)),
        scene((MON, 13, 0), "The reviewer approves", |c| approve(c, "vat")),
        scene((MON, 13, 20), "… and merges: four hours from report to fix", |c| merge(c, "vat")),
        scene((MON, 14, 0), "Sam fixes a timeout in the SDK, on GitHub", |c| {
            open(c, "timeout", Forge::Github, "acme/sdk", "sam", "Retry after a timeout", &["src/retry.rs"])
        }),
        scene((MON, 14, 30), "The reviewer has no time this week and says so", |c| decline(c, "timeout")),
        scene(
            (TUE, 9, 30),
            "Siobhan fixes a header in the SDK (Kim has Tuesdays off); the reviewer is about to forget it",
            |c| {
                open(
                    c,
                    "header",
                    Forge::Github,
                    "acme/sdk",
                    "siobhan",
                    "Send the right charset",
                    &["src/http.rs"],
                )
            },
        ),
        scene((TUE, 9, 45), "The handbook change is approved", |c| approve(c, "export")),
        scene((TUE, 9, 50), "… and merged", |c| merge(c, "export")),
        scene((TUE, 10, 30), "The reviewer of the receipt declines, on GitLab this time", |c| {
            decline(c, "receipt")
        }),
        scene((TUE, 11, 0), "The second reviewer of the timeout approves", |c| approve(c, "timeout")),
        scene((TUE, 11, 10), "… and merges", |c| merge(c, "timeout")),
    ];
    scenes.extend(second_half(scene));
    scenes.extend(left_open(scene));
    scenes.extend(habits::scenes(scene));
    scenes.sort_by_key(|scene| scene.at);
    scenes
}

fn second_half(scene: impl Fn((i8, i8, i8), &'static str, SceneAct) -> Scene) -> Vec<Scene> {
    vec![
        scene((MON, 15, 0), "Siobhan fixes the currency on receipts", |c| {
            open(
                c,
                "receipt",
                Forge::Gitlab,
                "acme/shop",
                "siobhan",
                "Show the currency",
                &["src/receipt.rs"],
            )
        }),
        scene((TUE, 12, 0), "A webhook is lost on its way: Sam's fix of the search is not heard of", |c| {
            c.sandbox.lose_next(Forge::Gitlab, 1);
            open(
                c,
                "search",
                Forge::Gitlab,
                "acme/shop",
                "sam",
                "Find names with accents",
                &["src/search.rs"],
            )
        }),
        scene((TUE, 15, 30), "The reviewer of the search, found by a sweep, approves", |c| {
            approve(c, "search")
        }),
        scene((TUE, 15, 40), "… and merges", |c| merge(c, "search")),
        scene((WED, 9, 30), "The receipt is approved and merged", |c| {
            approve(c, "receipt")?;
            merge(c, "receipt")
        }),
        scene(
            (WED, 10, 0),
            "Sam fixes the mail footer on GitLab, in the days of a release: its reviewer will forget it",
            |c| {
                open(
                    c,
                    "footer",
                    Forge::Gitlab,
                    "acme/shop",
                    "sam",
                    "Link the right imprint",
                    &["src/mail.rs"],
                )
            },
        ),
        scene((WED, 16, 0), "GitHub sends one event twice; it counts once", |c| {
            let id = c.sandbox.comment(&c.change("header")?, "siobhan", "Any news?")?;
            tracing::debug!(id, "commented");
            c.sandbox.duplicate_pending();
            Ok(())
        }),
        scene((THU, 10, 0), "Lena, told by Usher, looks after the header", |c| {
            let change = c.change("header")?;
            c.sandbox.comment(&change, "lena", "Sorry for the wait, looking at it with the team now.")?;
            Ok(())
        }),
        scene((THU, 10, 30), "The second reviewer of the header approves and merges", |c| {
            approve(c, "header")?;
            merge(c, "header")
        }),
        scene((FRI, 15, 30), "The footer is approved at last, and merged before the weekend", |c| {
            approve(c, "footer")?;
            merge(c, "footer")
        }),
    ]
}

/// What is still open on Friday evening, so that the dashboard has something to show.
fn left_open(scene: impl Fn((i8, i8, i8), &'static str, SceneAct) -> Scene) -> Vec<Scene> {
    vec![
        scene((THU, 11, 0), "Siobhan fixes a column of the invoice; by CODEOWNERS the file is Rita's", |c| {
            open(c, "invoice", Forge::Gitlab, "acme/shop", "siobhan", "Align the totals", &["src/invoice.rs"])
        }),
        scene((FRI, 10, 0), "Its reviewer has a question; the ball is with Siobhan", |c| {
            let (change, who) = (c.change("invoice")?, c.reviewer("invoice")?);
            Ok(c.sandbox.review(
                &change,
                &who,
                Verdict::RequestChanges,
                "What about right-to-left languages?",
            )?)
        }),
        scene((FRI, 11, 0), "Sam fixes the name of the SDK's user agent", |c| {
            open(c, "agent", Forge::Github, "acme/sdk", "sam", "Name the right version", &["src/agent.rs"])
        }),
        scene((FRI, 11, 30), "Siobhan corrects the handbook, on a busy day", |c| {
            open(c, "button", Forge::Gitlab, "acme/handbook", "siobhan", "Name the button", &["docs/ui.md"])
        }),
        scene((FRI, 11, 45), "The first of docs declines …", |c| decline(c, "button")),
        scene((FRI, 12, 0), "… and the second too: nobody is left, and Lena will hear of it", |c| {
            decline(c, "button")
        }),
        scene((FRI, 14, 0), "Sam keeps a filter that customers lose", |c| {
            open(c, "filter", Forge::Gitlab, "acme/shop", "sam", "Keep the filter", &["src/filter.rs"])
        }),
        scene((FRI, 16, 30), "It is approved, but nobody merges on a Friday evening", |c| {
            approve(c, "filter")
        }),
    ]
}
