//! Much to do at once: many changes open within a minute, every request takes 300 ms, and somebody asks
//! a question. In virtual time, counted where the requests arrive.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use usher::clock::Clock;
use usher_sandbox::{ChangeRef, Forge, RequestRecord};

use super::harness::{BOT, BOTH, House, Settings, name};
use super::server::Server;

const LATENCY: Duration = Duration::from_millis(300);
/// So long, in real time, nobody sends anything before the clock goes on.
const STILL: Duration = Duration::from_millis(12);

/// In the hidden marker of an answer.
const REPLY: &str = "usher:ping:reply-";
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// What a burst came to, in seconds of virtual time.
#[derive(Debug)]
struct Figures {
    /// From a question on a change that was settled before, asked ten seconds into the burst.
    answered_old: f64,
    /// From the same question on the last change of the burst.
    answered_new: f64,
    /// Until every change had a reviewer, and until every change had its comment.
    assigned: f64,
    _commented: f64,
    /// The most writes in any minute and any hour.
    minute: usize,
    hour: usize,
    refused: usize,
    /// Requests that were carried out while the first question waited.
    requests: usize,
}

fn most_within(writes: &[Timestamp], seconds: i64) -> usize {
    let within = |(index, end): (usize, &Timestamp)| {
        writes[..=index].iter().rev().take_while(|at| end.duration_since(**at).as_secs() < seconds).count()
    };
    writes.iter().enumerate().map(within).max().unwrap_or(0)
}

/// Usher answered a question on the change.
fn is_answered(house: &House, change: &ChangeRef) -> bool {
    house.seen(change).comments_by(BOT).iter().any(|comment| comment.body.contains(REPLY))
}

fn has_comment(house: &House, change: &ChangeRef) -> bool {
    house.seen(change).comments_by(BOT).iter().any(|comment| comment.body.contains("usher:status"))
}

/// Waits until nobody has anything to send before the clock goes on.
async fn be_still(house: &House, hands: usize) {
    let known = |house: &House| (house.sandbox.on_their_way(), house.sandbox.pending());
    house.service.engine.tick().await.unwrap();
    let mut still = 0;
    loop {
        let before = known(house);
        if before.0.len() >= hands && before.1 == 0 {
            break;
        }
        house.sandbox.deliver_pending().await;
        tokio::time::sleep(STILL).await;
        still = if known(house) == before { still + 1 } else { 0 };
        if still >= if before.0.is_empty() { 4 } else { 1 } {
            break;
        }
    }
}

/// Lets the clock go on to the next thing that happens by itself. What is due and was not taken is looked
/// at again after `patience`.
async fn go_on(house: &House, patience: SignedDuration) {
    let on_their_way = house.sandbox.on_their_way().into_iter().min();
    let (due, soon) = (house.service.next_due().await.unwrap(), house.clock.now() + patience);
    let due = due.map(|due| if due > house.clock.now() { due } else { soon });
    if let Some(next) = on_their_way.into_iter().chain(due).min() {
        house.clock.advance_to(next);
    }
}

async fn burst(forge: Forge, changes: u32, hands: usize) -> Figures {
    let members = r#"["rita", "ravi", "dora", "dan"]"#;
    let mut house =
        House::with(Settings { members, capacity: 1_000, always: true, ..Settings::default() }).await;
    house.sandbox.limit_content();
    let old = house.opened(forge, "sam").await;
    house.pass(SignedDuration::from_hours(2)).await;
    house.sandbox.clear_requests();
    let opened: Vec<ChangeRef> = (0..changes).map(|_| house.open(forge, "sam")).collect();
    let start = house.clock.now();
    house.sandbox.deliver_pending().await;
    house.service.engine.drain().await.unwrap();
    house.sandbox.set_latency(LATENCY);
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let (engine, courier) = (house.service.engine.clone(), house.service.courier.clone());
    let stopped = [stop.clone(), stop.clone()];
    let [for_engine, for_courier] = stopped;
    tasks.spawn(async move { engine.run(for_engine).await });
    tasks.spawn(courier.run(for_courier));

    let (asks_at, end) = (start + SignedDuration::from_secs(10), start + SignedDuration::from_hours(48));
    let since = |at: Timestamp, from: Timestamp| at.duration_since(from).as_secs_f64();
    let (mut asked, mut answered_old, mut answered_new) = (false, None, None);
    let (mut assigned, mut commented, mut requests) = (None, None, 0);
    let last = opened.last().unwrap();
    let (mut next_assigned, mut next_commented) = (0, 0);
    while commented.is_none() || answered_new.is_none() {
        be_still(&house, hands).await;
        let now = house.clock.now();
        assert!(now < end, "it does not end");
        if !asked && now >= asks_at {
            for change in [&old, last] {
                house.sandbox.comment(change, "rita", "@usher why").unwrap();
            }
            (asked, requests) = (true, house.sandbox.requests().len());
        }
        let asked_for = since(now, asks_at.max(start));
        if asked && answered_old.is_none() && is_answered(&house, &old) {
            answered_old = Some(asked_for);
            requests = house.sandbox.requests().len() - requests;
        }
        if asked && answered_new.is_none() && is_answered(&house, last) {
            answered_new = Some(asked_for);
        }
        while next_assigned < opened.len() && !house.reviewers(&opened[next_assigned]).is_empty() {
            next_assigned += 1;
        }
        while next_commented < opened.len() && has_comment(&house, &opened[next_commented]) {
            next_commented += 1;
        }
        if assigned.is_none() && next_assigned == opened.len() {
            assigned = Some(since(now, start));
        }
        if commented.is_none() && next_commented == opened.len() {
            commented = Some(since(now, start));
        }
        // Hours of a forge's pace are told to five seconds.
        let patience = if answered_new.is_some() { SECOND * 5 } else { SECOND };
        go_on(&house, patience).await;
    }
    stop.cancel();
    tasks.close();
    let all: Vec<RequestRecord> = house.sandbox.requests();
    let done = all.iter().filter(|one| !one.is_read() && one.status.is_some_and(|status| status < 300));
    let writes: Vec<Timestamp> = done.map(|one| one.at).collect();
    Figures {
        answered_old: answered_old.unwrap(),
        answered_new: answered_new.unwrap(),
        assigned: assigned.unwrap(),
        _commented: commented.unwrap(),
        minute: most_within(&writes, 60),
        hour: most_within(&writes, 3_600),
        refused: all.iter().filter(|one| matches!(one.status, Some(403 | 429))).count(),
        requests,
    }
}

/// Changes that are written to at once.
fn hands(forge: Forge) -> usize {
    if forge == Forge::Gitlab { 4 } else { 1 }
}

/// `cargo nextest run in_a_burst --run-ignored all --no-capture`.
#[tokio::test]
#[ignore = "takes minutes, because the clock goes on only when nobody has sent anything for a while"]
async fn in_a_burst_a_question_is_answered_within_five_requests_time() {
    for forge in BOTH {
        let figures = burst(forge, 60, hands(forge)).await;
        println!("{forge:?}: {figures:?}");
        let latency = LATENCY.as_secs_f64();
        // GitHub's pace: the writes of the opening that is under way come first, one a second.
        let pace = if forge == Forge::Github { 3.0 } else { 0.0 };
        assert!(figures.answered_old <= 5.0 * latency + pace, "{forge:?}: {figures:?}");
        // Its own opening goes first: four requests, and the question.
        assert!(figures.answered_new <= 10.0 * latency + 3.0, "{forge:?}: {figures:?}");
        assert!(figures.requests <= 5 * hands(forge), "{forge:?}: {figures:?}");
        assert_eq!(figures.refused, 0, "{forge:?}: no pace is overrun");
        if forge == Forge::Github {
            assert!(figures.minute <= 80 && figures.hour <= 500, "{figures:?}");
        } else {
            assert!(figures.assigned < 60.0 * 3.0 * latency / 2.0, "several at once: {figures:?}");
        }
    }
}

/// Prints the figures of docs/costs.md: `cargo nextest run a_burst_of_2000 --run-ignored all --no-capture`.
#[tokio::test]
#[ignore = "takes minutes; prints figures"]
async fn a_burst_of_2000() {
    let count = std::env::var("BURST").map_or(2_000, |count| count.parse().unwrap());
    let only = std::env::var("BURST_FORGE").ok();
    for forge in BOTH.into_iter().filter(|forge| only.as_deref().is_none_or(|only| only == name(*forge))) {
        println!("{forge:?}: {:?}", burst(forge, count, hands(forge)).await);
    }
}

/// Prints the figures of docs/costs.md, with the real binary on the system's clock:
/// `cargo nextest run a_burst_in_real_time --run-ignored all --no-capture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute; prints figures"]
async fn a_burst_in_real_time() {
    let members = r#"["rita", "ravi", "dora", "dan"]"#;
    let server = Server::started(Settings { members, capacity: 1_000, ..Settings::default() }).await;
    let old = server.open(Forge::Gitlab, "sam");
    server.flowing_until("it is settled", async || !server.reviewers(&old).is_empty()).await;
    server.at_rest().await;
    let written = || -> u64 {
        let counts = std::fs::read_to_string(format!("/proc/{}/io", server.id())).unwrap();
        let line = counts.lines().find_map(|line| line.strip_prefix("write_bytes: "));
        line.unwrap().parse().unwrap()
    };
    let (before, began) = (written(), Clock::system().now());
    let since = || Clock::system().now().duration_since(began).as_secs_f64();
    server.sandbox.set_latency(LATENCY);
    let opened: Vec<ChangeRef> = (0..200).map(|_| server.open(Forge::Gitlab, "sam")).collect();
    let (mut asked, mut answered, mut assigned) = (None, None, None);
    let mut next = 0;
    while answered.is_none() || assigned.is_none() {
        server.deliver().await;
        assert!(since() < 600.0, "it does not end");
        if asked.is_none() && since() >= 5.0 {
            server.sandbox.comment(&old, "rita", "@usher why").unwrap();
            asked = Some(since());
        }
        let replies = server.seen(&old).comments_by(BOT).iter().any(|one| one.body.contains(REPLY));
        if replies && answered.is_none() {
            answered = asked.map(|asked| since() - asked);
        }
        while next < opened.len() && !server.reviewers(&opened[next]).is_empty() {
            next += 1;
        }
        if next == opened.len() && assigned.is_none() {
            assigned = Some(since());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.at_rest().await;
    let (all, kib) = (since(), (written() - before) / 1_024);
    let requests = server.sandbox.requests();
    let writes = requests.iter().filter(|one| !one.is_read()).count();
    println!(
        "200 openings: answered after {:.1} s, all assigned after {:.1} s, at rest after {all:.1} s; \
         {writes} writes to the forge, {:.0} a minute; {kib} KiB written to disk",
        answered.unwrap(),
        assigned.unwrap(),
        writes as f64 / all * 60.0
    );
}
