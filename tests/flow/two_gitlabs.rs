//! Two GitLabs under one Usher: the same paths, numbers and ids mean different things, the same people
//! carry the work of both.

use usher::clock::Clock;
use usher_core::model::change::ChangeKey;
use usher_core::model::review::Stage;
use usher_sandbox::{Access, ChangeRef, Forge, HookTarget, NewChange, NewHook, Sandbox, Verdict};

use super::harness::{House, Settings, monday, project};

const BOT: &str = "usher-of-partner";
const TOKEN: (&str, &str) = ("PARTNER_TOKEN", "glpat-flow-partner-token-4");
const SIGNING: (&str, &str) = ("PARTNER_SIGNING", "whsec_cGFydG5lci1wYXJ0bmVyLXBhcnRuZXItcGFydG5lcnM=");

/// The other GitLab with a project of the same path.
async fn partner() -> Sandbox {
    let sandbox = crate::wire::tape::sandbox(Clock::virtual_at(monday())).await;
    // Somebody else has the number that is Usher's at home.
    sandbox.add_user(Forge::Gitlab, "pat", "Pat Partner");
    sandbox.add_bot(Forge::Gitlab, BOT, "Usher");
    sandbox.add_token(Forge::Gitlab, TOKEN.1, BOT);
    let shop = project(Forge::Gitlab);
    sandbox.add_project(Forge::Gitlab, shop);
    sandbox.add_member(Forge::Gitlab, shop, BOT, Access::MAINTAIN);
    for login in ["rita", "ravi", "sam"] {
        sandbox.add_member(Forge::Gitlab, shop, login, Access::WRITE);
    }
    sandbox.add_group_member("acme/support", "sam", Access::WRITE);
    sandbox
}

async fn house_of_both(partner: &Sandbox) -> House {
    let forge = format!(
        "[[forge]]\nname = \"partner\"\nkind = \"gitlab\"\nurl = \"{}\"\ntoken = \"env:{}\"\n\
         signing_tokens = [\"env:{}\"]\nprojects = [\"acme/*\"]\n",
        partner.gitlab_url(),
        TOKEN.0,
        SIGNING.0
    );
    let mut house = House::configured(|company| {
        let groups = r#"["gitlab:acme/support", "partner:acme/support"]"#;
        let text = company.text(&Settings::default()).replace(r#"["gitlab:acme/support"]"#, groups);
        company.config_of(&(text + &forge), &[TOKEN, SIGNING])
    })
    .await;
    let hook = NewHook::to(&format!("http://{}/hooks/partner", house.hooks)).with_signing_token(SIGNING.1);
    partner.add_hook(Forge::Gitlab, HookTarget::Project(project(Forge::Gitlab).into()), hook);
    house.sweep().await;
    house.quiet().await;
    house
}

fn reviewers(partner: &Sandbox, change: &ChangeRef) -> Vec<String> {
    let seen = partner.snapshot(change).unwrap();
    seen.reviewer_logins().into_iter().map(str::to_owned).collect()
}

async fn stage(house: &House, change: &ChangeKey) -> Stage {
    house.service.store.load(change).await.unwrap().expect("a review").review.done.stage
}

#[tokio::test]
async fn the_same_path_and_number_on_two_gitlabs_are_two_changes() {
    let partner = partner().await;
    let mut house = house_of_both(&partner).await;
    let here = house.open(Forge::Gitlab, "sam");
    let fix = NewChange::by("sam", "Round the partner's VAT");
    let there = partner.open_change(Forge::Gitlab, project(Forge::Gitlab), fix).unwrap();
    assert_eq!((&here.project, here.number), (&there.project, there.number));
    let deliveries = partner.take_pending();
    for delivery in &deliveries {
        let mut stray = delivery.clone();
        stray.url = stray.url.replace("/hooks/partner", "/hooks/gitlab");
        assert_eq!(partner.send(&stray).await, Some(401), "the one's secret opens no door of the other's");
        assert_eq!(partner.send(delivery).await, Some(202));
    }
    house.quiet().await;
    house.minute().await;

    let [asked] = reviewers(&partner, &there).try_into().expect("one reviewer");
    let at_home = house.reviewer(&here);
    assert_ne!(asked, at_home, "people carry the work of both: the second change goes to the other one");
    house.assert_one_status_comment(&here);
    assert_eq!(partner.snapshot(&there).unwrap().comments_by(BOT).len(), 1);

    partner.review(&there, &asked, Verdict::Approve, "").unwrap();
    for delivery in partner.take_pending() {
        partner.send(&delivery).await;
    }
    house.quiet().await;
    let key = |forge: &str| ChangeKey::new(forge, project(Forge::Gitlab), here.number);
    assert_eq!(stage(&house, &key("partner")).await, Stage::ReadyToMerge);
    assert_eq!(stage(&house, &key("gitlab")).await, Stage::Reviewing);
    assert_eq!(house.reviewer(&here), at_home);
}
