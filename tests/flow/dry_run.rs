//! A dry run from outside: nothing is written, each line of the history says so, and what follows is real.

use usher::engine::ON_PAPER;
use usher_core::model::reason::Reason;

use super::harness::{BOTH, Company, House, Settings, key};

#[tokio::test]
async fn each_line_of_a_dry_runs_history_says_so_and_none_after_it() {
    let settings = Settings::default();
    let dry = |company: &Company| {
        company.config_of(&format!("dry_run = true\n{}", company.text(&Settings::default())), &[])
    };
    let mut house = House::configured(dry).await;
    house.sweep().await;
    house.quiet().await;
    let changes = BOTH.map(|forge| house.open(forge, "sam"));
    house.quiet().await;
    house.minute().await;
    assert_eq!(house.sandbox.writes(), 0);
    for change in &changes {
        let lines = house.service.store.ledger(&key(change), 99).await.unwrap();
        assert!(!lines.is_empty(), "{change}");
        for line in lines {
            assert!(line.entry.fact.starts_with(ON_PAPER), "{change}: {}", line.entry.fact);
        }
    }

    let config = house.config(&settings);
    house.restart(&config).await;
    house.sweep().await;
    house.quiet().await;
    for change in &changes {
        let lines = house.service.store.ledger(&key(change), 99).await.unwrap();
        let real = lines.iter().filter(|line| !line.entry.fact.starts_with(ON_PAPER));
        let real: Vec<&Reason> = real.flat_map(|line| &line.entry.reasons).collect();
        assert!(real.contains(&&Reason::WentLive), "{change}: {real:?}");
        assert_eq!(house.reviewers(change).len(), 1, "{change}");
    }
}
