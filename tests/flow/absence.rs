//! Who is there and who is not: what the forges show, and what people say, with the real clients.

use jiff::SignedDuration;
use usher::service::Service;
use usher_core::model::review::Stage;
use usher_sandbox::{ChangeRef, Fault, Forge};

use super::harness::{BOTH, House, Settings};

fn other(forge: Forge) -> Forge {
    if forge == Forge::Gitlab { Forge::Github } else { Forge::Gitlab }
}

/// The next sweep after an hour: rosters are old by then, and with them who is busy.
async fn an_hour_later(house: &mut House) {
    house.pass(SignedDuration::from_mins(61)).await;
    house.sweep().await;
    house.quiet().await;
}

fn status_comment(house: &House, change: &ChangeRef) -> String {
    let comments = house.seen(change).comments;
    comments.into_iter().find(|one| one.body.starts_with("<!-- usher:status -->")).unwrap().body
}

/// What Usher answered last in words.
fn reply(house: &House, change: &ChangeRef) -> String {
    house.seen(change).comments_by("usher").last().unwrap().body.clone()
}

/// gitlab-ce#57652, and kubernetes-retired/contrib#1688: the words beside the status are not kept.
#[tokio::test]
async fn who_is_busy_on_either_forge_is_not_asked_on_any() {
    for forge in BOTH {
        for shown_on in [forge, other(forge)] {
            let mut house = House::new().await;
            house.sandbox.set_busy(shown_on, "rita", true, "secret plans");
            an_hour_later(&mut house).await;
            for _ in 0..3 {
                let change = house.opened(forge, "sam").await;
                assert_eq!(house.reviewers(&change), ["ravi"], "{forge:?}, shown on {shown_on:?}");
                let brand = if shown_on == Forge::Gitlab { "GitLab" } else { "GitHub" };
                let status = status_comment(&house, &change);
                assert!(status.contains("1 not available") && !status.contains(brand), "{status}");
            }
            let kept = std::fs::read(house.store_path()).unwrap();
            let log = std::fs::read(house.store_path().with_extension("db-wal")).unwrap_or_default();
            let spoken = |bytes: &[u8]| bytes.windows(12).any(|window| window == b"secret plans");
            assert!(!spoken(&kept) && !spoken(&log), "what people write beside it is theirs");
        }
    }
}

#[tokio::test]
async fn a_status_that_cannot_be_read_fails_nothing_and_the_last_word_stays_for_a_while() {
    for forge in BOTH {
        let mut house = House::new().await;
        house.sandbox.set_busy(forge, "rita", true, "");
        an_hour_later(&mut house).await;
        house.sandbox.set_busy(forge, "ravi", true, "");
        house.sandbox.fail_next(forge, "QUERY", "/graphql", Fault::status(500, "no"), 99);
        an_hour_later(&mut house).await;
        let name = super::harness::name(forge);
        let known = house.service.shared.snapshot();
        let known = known.forge(name).unwrap();
        assert!(known.directory.known && known.fault().is_none() && known.swept_at.is_some());
        assert_eq!(known.roster.busy.len(), 1, "{forge:?}: rita's stays, ravi's is not known");
        assert!(known.roster.busy_fault.as_ref().is_some_and(|fault| fault.contains("500")));
        // GitLab's changes are read by GraphQL, too.
        house.sandbox.clear_faults();
        let change = house.opened(forge, "sam").await;
        assert_eq!(house.reviewers(&change), ["ravi"], "{forge:?}");
        house.sandbox.fail_next(forge, "QUERY", "/graphql", Fault::status(500, "no"), 99);
        // Six hours after the last good answer it counts no more.
        for _ in 0..6 {
            an_hour_later(&mut house).await;
        }
        let known = house.service.shared.snapshot();
        assert!(known.forge(name).unwrap().roster.busy.is_empty(), "{forge:?}");
    }
}

#[tokio::test]
async fn away_said_on_one_forge_holds_on_both_and_ends_with_back() {
    for forge in BOTH {
        let mut house = House::with(Settings { members: r#"["rita"]"#, ..Settings::default() }).await;
        let here = house.opened(forge, "sam").await;
        let there = house.opened(other(forge), "sam").await;
        assert_eq!(house.reviewers(&here), ["rita"]);
        let said = house.sandbox.comment(&here, "rita", "@usher away until 2026-03-09").unwrap();
        house.quiet().await;
        let comments = house.seen(&here).comments;
        let said = comments.iter().find(|comment| comment.id == said).unwrap();
        assert_eq!(said.reactions.len(), 1, "{forge:?}: done is a reaction");
        assert_eq!(house.reviewers(&there), ["rita"], "she stays on the list");
        let status = status_comment(&house, &there);
        assert!(
            status.contains("Nobody of backend can be asked"),
            "{forge:?}: it is no longer hers: {status}"
        );
        let waiting = house.opened(other(forge), "siobhan").await;
        assert_eq!(house.stage(&waiting).await, Stage::Waiting, "{forge:?}");
        assert!(status_comment(&house, &waiting).contains("1 not available"));

        house.sandbox.comment(&there, "rita", "@usher back").unwrap();
        house.quiet().await;
        assert_eq!(house.reviewers(&waiting), ["rita"], "{forge:?}: given to her at once");
        house.minute().await;
        assert_eq!(house.stage(&waiting).await, Stage::Reviewing);
    }
}

#[tokio::test]
async fn what_was_said_is_known_after_a_restart() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        house.sandbox.comment(&change, "rita", "@usher away until 2026-03-09").unwrap();
        house.sandbox.deliver_pending().await;
        // Decided and committed; then the process is gone, and another one begins.
        house.service.engine.drain().await.unwrap();
        let config = house.config(&Settings::default());
        house.service.store.close().await;
        let next = Service::assemble(&config, house.clock.clone()).await.unwrap();
        for name in ["gitlab", "github"] {
            let known = next.shared.snapshot();
            let rita = known.forge(name).unwrap().directory.by_name("rita").unwrap().clone();
            let until = rita.agenda().away_until(house.clock.now());
            assert_eq!(until, Some("2026-03-09".parse().unwrap()), "{name}");
        }
        // A reload of the configuration keeps it, too.
        next.reload(&config).await.unwrap();
        let known = next.shared.snapshot();
        assert!(known.forge("github").unwrap().directory.by_name("rita").unwrap().said.is_some());
    }
}

#[tokio::test]
async fn several_words_in_one_comment_and_words_that_come_twice() {
    for forge in BOTH {
        let mut house = House::new().await;
        let change = house.opened(forge, "sam").await;
        let absent = async |house: &House| {
            let known = house.service.store.absences().await.unwrap();
            known["rita"].days.is_some()
        };
        house.sandbox.comment(&change, "rita", "@usher away 3d\n@usher back").unwrap();
        house.quiet().await;
        assert!(!absent(&house).await, "{forge:?}: the last word stands");
        house.sandbox.comment(&change, "rita", "@usher back\n@usher away 3d").unwrap();
        house.quiet().await;
        assert!(absent(&house).await, "{forge:?}");
        house.sandbox.comment(&change, "rita", "@usher away some day").unwrap();
        house.quiet().await;
        assert!(reply(&house, &change).contains("`@usher away until 2026-03-09`"), "an example to copy");
        house.minute().await;
        assert!(absent(&house).await, "{forge:?}");
    }
}
