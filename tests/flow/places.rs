//! A project that the forge refuses to show must not hold the others back: each has a watermark of its
//! own.

use jiff::SignedDuration;
use usher_sandbox::{Access, ChangeRef, Fault, Forge, NewChange};

use super::harness::{BOT, BOTH, House, Settings, name};

/// Two projects that the configuration names in full, so that each is asked for by itself.
const OPEN: &str = "acme/open";
const SHUT: &str = "acme/shut";

async fn house() -> House {
    let house =
        House::unswept(Settings { projects: r#"["acme/open", "acme/shut"]"#, ..Settings::default() }).await;
    for forge in BOTH {
        for project in [OPEN, SHUT] {
            house.sandbox.add_member(forge, project, BOT, Access::MAINTAIN);
            for login in ["rita", "ravi", "sam"] {
                house.sandbox.add_member(forge, project, login, Access::WRITE);
            }
        }
    }
    house
}

/// Opens a change of which no webhook tells.
fn open(house: &House, forge: Forge, project: &str) -> ChangeRef {
    house.sandbox.lose_next(forge, 9);
    house.sandbox.open_change(forge, project, NewChange::by("sam", "Round VAT per line")).unwrap()
}

fn list_of(forge: Forge, project: &str) -> String {
    match forge {
        Forge::Gitlab => format!("/projects/{}/merge_requests", project.replace('/', "%2F")),
        Forge::Github => format!("/repos/{project}/pulls"),
    }
}

#[tokio::test]
async fn the_others_watermark_moves_on_and_the_refused_one_misses_nothing() {
    for forge in BOTH {
        let mut house = house().await;
        house.sweep().await;
        for project in [OPEN, SHUT] {
            open(&house, forge, project);
        }
        house.minute().await;
        house.sweep().await;
        house.pass(SignedDuration::from_mins(10)).await;
        let shut = Fault::status(403, "SAML enforcement");
        house.sandbox.fail_next(forge, "GET", &list_of(forge, SHUT), shut, 2);
        let missed = open(&house, forge, SHUT);
        let seen = open(&house, forge, OPEN);
        house.pass(SignedDuration::from_mins(10)).await;
        house.sandbox.clear_requests();
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.reviewers(&seen).len(), 1, "{forge:?}");
        assert!(house.reviewers(&missed).is_empty(), "{forge:?}");
        let store = &house.service.store;
        let behind = async || {
            let all = store.watermarks(name(forge), "changes ", 100).await.unwrap();
            all.into_iter().partition::<Vec<_>, _>(|(scope, _)| scope.ends_with(" behind acme/shut"))
        };
        let (shut_mark, mark) = behind().await;
        assert_eq!((shut_mark.len(), mark.len()), (1, 1), "{forge:?}");
        assert!(mark[0].1 > shut_mark[0].1, "{forge:?}: {mark:?} is no later than {shut_mark:?}");

        // It is not asked at once again, and then from where it was left.
        house.sandbox.clear_requests();
        house.sweep().await;
        let asked = |house: &House| {
            let requests = house.sandbox.requests().into_iter();
            requests
                .filter(|request| request.forge == forge && request.path.contains(&list_of(forge, SHUT)))
                .count()
        };
        assert_eq!(asked(&house), 0, "{forge:?}");
        house.pass(SignedDuration::from_mins(11)).await;
        house.sweep().await;
        assert_eq!(asked(&house), 1, "{forge:?}: refused a second time");
        house.pass(SignedDuration::from_mins(21)).await;
        house.sweep().await;
        house.quiet().await;
        assert_eq!(house.reviewers(&missed).len(), 1, "{forge:?}: nothing was missed");
        let (shut_mark, _) = {
            let all = house.service.store.watermarks(name(forge), "changes ", 100).await.unwrap();
            all.into_iter().partition::<Vec<_>, _>(|(scope, _)| scope.ends_with(" behind acme/shut"))
        };
        assert_eq!(shut_mark, [], "{forge:?}: it is one of many again");
    }
}
