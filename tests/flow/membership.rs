//! Who belongs where, as it changes: joining, leaving, memberships that end, blocked accounts, logins
//! that change, and forges that do not tell.

use jiff::SignedDuration;
use jiff::civil::date;
use usher_core::model::change::Account;
use usher_core::model::people::Roster;
use usher_core::model::people::{MemberNote, MemberState};
use usher_core::model::review::Stage;
use usher_sandbox::{Access, Fault, Forge, HookTarget};

use super::harness::{BOTH, House, Settings, name};

/// An hour and a bit: the next sweep reads the roster anew.
const AN_HOUR: SignedDuration = SignedDuration::from_mins(61);

impl House {
    /// The sweep that the webhook about a group or team rings for.
    async fn rung(&mut self) {
        for forge in BOTH {
            self.sweep_of(forge, true).await.unwrap();
        }
        self.quiet().await;
    }

    async fn next_refresh(&mut self) {
        self.pass(AN_HOUR).await;
        self.sweep().await;
        self.quiet().await;
    }

    fn roster(&self, forge: Forge) -> Roster {
        Roster::clone(&self.service.shared.snapshot().forge(name(forge)).unwrap().roster)
    }

    fn in_support(&self, forge: Forge, login: &str) -> bool {
        let id = self.sandbox.add_user(forge, login, login);
        self.service.shared.snapshot().forge(name(forge)).unwrap().directory.is_support(id)
    }

    fn joins(&self, forge: Forge, login: &str) {
        match forge {
            Forge::Gitlab => self.sandbox.add_group_member("acme/support", login, Access::WRITE),
            Forge::Github => self.sandbox.join_team("acme", "support", login, "lena"),
        }
    }

    fn account(&self, forge: Forge, login: &str) -> Account {
        Account::new(self.sandbox.add_user(forge, login, login), login)
    }
}

#[tokio::test]
async fn who_joins_support_today_is_routed_today() {
    for forge in BOTH {
        for told in [true, false] {
            let mut house = House::new().await;
            house.add_hook(Forge::Gitlab, HookTarget::Group("acme".into()));
            house.sandbox.add_member(forge, super::harness::project(forge), "olga", Access::WRITE);
            house.quiet().await;
            let before = house.opened(forge, "olga").await;
            assert_eq!(house.reviewers(&before), [""; 0], "olga is nobody yet");
            if !told {
                house.sandbox.lose_next(forge, 9);
            }
            house.joins(forge, "olga");
            house.quiet().await;
            if told {
                house.rung().await;
            } else {
                house.next_refresh().await;
            }
            house.minute().await;
            assert_eq!(house.stage(&before).await, Stage::Reviewing, "{forge:?}: opened before she joined");
            let after = house.opened(forge, "olga").await;
            house.minute().await;
            if told {
                assert_eq!(house.stage(&after).await, Stage::Reviewing, "{forge:?}");
            }
            house.assert_one_status_comment(&before);
        }
    }
}

#[tokio::test]
async fn a_membership_that_ended_yesterday_is_none() {
    let mut house = House::new().await;
    house.sandbox.end_group_membership("acme/support", "sam", date(2026, 3, 3));
    house.next_refresh().await;
    assert!(house.in_support(Forge::Gitlab, "sam"));
    let sam = house.account(Forge::Gitlab, "sam");
    let group = Some("acme/support".to_owned());
    let ends = MemberNote { account: sam, group, said: None, state: MemberState::Ends(date(2026, 3, 3)) };
    assert_eq!(house.roster(Forge::Gitlab).notes, [ends]);
    house.pass(SignedDuration::from_hours(14)).await;
    house.next_refresh().await;
    assert!(!house.in_support(Forge::Gitlab, "sam"), "it is {}", house.clock.now());
    assert!(house.in_support(Forge::Github, "sam"), "on GitHub nothing ended");
    let change = house.opened(Forge::Gitlab, "sam").await;
    assert_eq!(house.reviewers(&change), [""; 0]);
}

#[tokio::test]
async fn a_blocked_account_is_neither_support_nor_asked() {
    for forge in BOTH {
        let mut house = House::new().await;
        house.sandbox.block_user(forge, "siobhan", "blocked");
        house.sandbox.block_user(forge, "rita", "deactivated");
        house.rung().await;
        assert!(!house.in_support(forge, "siobhan"), "{forge:?}");
        let roster = house.roster(forge);
        assert_eq!(roster.unknown, ["rita"], "{forge:?}");
        if forge == Forge::Gitlab {
            let note = |login: &str, group: Option<&str>, word: &str| MemberNote {
                account: house.account(forge, login),
                group: group.map(str::to_owned),
                said: group.is_none().then(|| login.to_owned()),
                state: MemberState::Blocked(word.into()),
            };
            let expected =
                [note("siobhan", Some("acme/support"), "blocked"), note("rita", None, "deactivated")];
            assert_eq!(roster.notes, expected);
        }
        let change = house.opened(forge, "sam").await;
        assert_eq!(house.reviewer(&change), "ravi", "{forge:?}");
    }
}

#[tokio::test]
async fn who_changes_their_login_stays_who_they_are() {
    for forge in BOTH {
        let settings = Settings { members: r#"["rita"]"#, ..Settings::default() };
        let mut house = House::with(settings).await;
        let rita = house.account(forge, "rita");
        house.sandbox.rename_user(forge, "rita", "rita-moss");
        house.rung().await;
        let roster = house.roster(forge);
        assert_eq!(roster.unknown, [""; 0], "{forge:?}");
        let renamed: Vec<_> = roster.renamed().map(|one| (one.said, one.account)).collect();
        assert_eq!(renamed, [("rita".to_owned(), Account::new(rita.id, "rita-moss"))]);
        let change = house.opened(forge, "sam").await;
        assert_eq!(house.reviewer(&change), "rita-moss", "{forge:?}");

        // Somebody else takes the free login: not whom the configuration means.
        let other = house.sandbox.add_user(forge, "rita", "Rita Other");
        assert_ne!(other, rita.id);
        house.rung().await;
        let roster = house.roster(forge);
        assert_eq!(roster.accounts["rita"], Account::new(rita.id, "rita-moss"), "{forge:?}");
        let state = MemberState::Took { from: Account::new(rita.id, "rita-moss") };
        let note = MemberNote { account: Account::new(other, "rita"), group: None, said: None, state };
        assert_eq!(roster.notes, [note]);
    }
}

#[tokio::test]
async fn a_reviewer_who_is_renamed_meanwhile_is_reminded_by_the_new_login() {
    for forge in BOTH {
        let settings = Settings { members: r#"["rita"]"#, ..Settings::default() };
        let mut house = House::with(settings).await;
        let change = house.opened(forge, "sam").await;
        assert_eq!(house.reviewer(&change), "rita", "{forge:?}");
        house.sandbox.rename_user(forge, "rita", "rita-moss");
        house.rung().await;
        house.sandbox.clear_requests();
        house.pass(SignedDuration::from_hours(26)).await;
        house.quiet().await;
        let said = house.sandbox.snapshot(&change).unwrap().comments;
        let pinged = said.iter().any(|comment| comment.body.contains("@rita-moss"));
        assert!(pinged, "{forge:?}: {said:?}");
        let status = said.iter().find(|comment| comment.body.contains("usher:status")).unwrap();
        assert!(status.body.contains("rita-moss"), "{forge:?}: {}", status.body);
        assert_eq!(house.reviewer(&change), "rita-moss", "{forge:?}");
    }
}

#[tokio::test]
async fn a_member_of_a_group_who_is_renamed_keeps_their_name_at_ushers() {
    for forge in BOTH {
        let mut house = House::new().await;
        let sam = house.account(forge, "sam");
        house.sandbox.rename_user(forge, "sam", "sam-long");
        house.rung().await;
        house.rung().await;
        let named = |house: &House, id| {
            let known = house.service.shared.snapshot();
            let person = known.forge(name(forge)).unwrap().directory.by_id(id).cloned().unwrap();
            (person.name, person.account.unwrap().login)
        };
        assert_eq!(named(&house, sam.id), ("sam".to_owned(), "sam-long".to_owned()), "{forge:?}");
        // Who takes the login is somebody else.
        let other = house.sandbox.add_user(forge, "sam", "Sam Other");
        house.joins(forge, "sam");
        house.rung().await;
        assert_eq!(named(&house, sam.id).0, "sam", "{forge:?}");
        let kind = name(forge);
        assert_eq!(named(&house, other).0, format!("sam ({kind})"), "{forge:?}");
    }
}

#[tokio::test]
async fn whoever_takes_the_login_of_a_blocked_colleague_is_nobody() {
    let settings = Settings { members: r#"["rita", "ravi"]"#, ..Settings::default() };
    let mut house = House::with(settings).await;
    house.sandbox.rename_user(Forge::Gitlab, "rita", "rita-gone");
    house.sandbox.block_user(Forge::Gitlab, "rita-gone", "blocked");
    let other = house.sandbox.add_user(Forge::Gitlab, "rita", "Rita Other");
    // Also when the forge has been asked once more since.
    for _ in 0..2 {
        house.rung().await;
        let roster = house.roster(Forge::Gitlab);
        assert_eq!(roster.unknown, ["rita"]);
        let blocked = roster.notes.iter().any(|note| note.state == MemberState::Blocked("blocked".into()));
        assert!(blocked, "{:?}", roster.notes);
        let known = house.service.shared.snapshot();
        assert!(known.forge("gitlab").unwrap().directory.by_id(other).is_none());
    }
}

#[tokio::test]
async fn a_forge_that_is_down_keeps_the_last_known_roster_and_its_age() {
    for forge in BOTH {
        let mut house = House::new().await;
        let before = house.roster(forge);
        house.joins(forge, "olga");
        house.sandbox.fail_next(forge, "GET", "/members", Fault::status(502, "Bad Gateway"), 99);
        house.quiet().await;
        assert!(house.sweep_of(forge, true).await.is_err(), "{forge:?}");
        assert_eq!(house.roster(forge), before, "{forge:?}");
        assert!(house.in_support(forge, "sam") && !house.in_support(forge, "olga"));
    }
}

#[tokio::test]
async fn a_roster_that_somebody_else_read_is_taken_over_without_asking() {
    for forge in BOTH {
        let house = House::new().await;
        let olga = house.account(forge, "olga");
        let mut newer = house.roster(forge);
        newer.groups.get_mut("acme/support").unwrap().push(olga);
        newer.fetched_at = newer.fetched_at.map(|at| at + SignedDuration::from_secs(1));
        house.service.store.save_roster(name(forge), &newer).await.unwrap();
        house.sandbox.clear_requests();
        house.sweep().await;
        assert!(house.in_support(forge, "olga"), "{forge:?}");
        let asked = house.asked();
        assert!(!asked.iter().any(|line| line.contains("/members") || line.contains("/users")), "{asked:?}");
        // One that was read for another configuration is not the whole truth.
        let mut other = newer.clone();
        other.groups.clear();
        other.fetched_at = other.fetched_at.map(|at| at + SignedDuration::from_secs(1));
        house.service.store.save_roster(name(forge), &other).await.unwrap();
        house.sweep().await;
        assert!(house.in_support(forge, "olga"), "{forge:?}");
    }
}
