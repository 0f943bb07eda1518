//! SIGTERM in the middle of work: soon over, and nothing is lost.

use std::time::Duration;

use usher_sandbox::{ChangeRef, Fault, Forge};

use super::harness::Settings;
use super::server::Server;

/// DESIGN 5: from SIGTERM to the exit, under load.
const SOON: Duration = Duration::from_secs(5);
const CHANGES: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_has_much_to_do_stops_soon_and_goes_on_where_it_was() {
    let mut server = Server::started(Settings { capacity: 500, ..Settings::default() }).await;
    // Every answer takes longer than the server may.
    let slow = || Fault::Delay(Duration::from_secs(20));
    for forge in [Forge::Gitlab, Forge::Github] {
        server.sandbox.fail_next(forge, "*", "", slow(), u32::MAX);
    }
    let open = |number: usize| {
        // GitHub's pace would make the end of this test long.
        let forge = if number.is_multiple_of(10) { Forge::Github } else { Forge::Gitlab };
        server.open(forge, "sam")
    };
    let changes: Vec<ChangeRef> = (0..CHANGES).map(open).collect();
    let taken = server.deliver().await;
    assert!(taken.len() >= CHANGES && taken.iter().all(|one| *one == Some(202)), "{taken:?}");
    let stopped = tokio::time::timeout(SOON, server.stop()).await;
    assert_eq!(stopped.expect("it stops soon"), Some(0));
    server.sandbox.clear_faults();
    server.start().await;
    server.settled_in().await;
    server.at_rest().await;
    for change in &changes {
        server.assert_one_status_comment(change);
        server.reviewer(change);
    }
}
