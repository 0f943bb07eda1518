//! `usher deliveries`: inbox, outbox and dead letters, to look at and to try again.

use std::process::ExitCode;

use clap::Subcommand;
use jiff::Timestamp;

use super::begin::{CliError, start_logging};
use super::preview::action_words;
use super::terminal::{fitted, table};
use crate::config::Config;
use crate::store::{InboxRow, OutboxRow, OutboxState, Store};
use usher_words::happening;

/// Rows that are listed at most, of each kind.
const ROWS: u32 = 100;

#[derive(Debug, Default, Subcommand)]
pub(super) enum DeliveriesCommand {
    /// What waits, what failed, and what came in last
    #[default]
    List,
    /// One row in full: in:12 or out:7
    Show { id: String },
    /// Try a dead letter again: out:7 (or just 7), or `all`
    Retry { id: String },
    /// Throw a dead letter away, so that it is never done: out:7 (or just 7), or `all`
    Discard { id: String },
}

pub(super) async fn run(
    config: Config,
    command: DeliveriesCommand,
    json: bool,
) -> Result<ExitCode, CliError> {
    start_logging("warn");
    match command {
        DeliveriesCommand::List => list(&look(&config).await?, json).await,
        DeliveriesCommand::Show { id } => {
            let row = parse(&id)?;
            show(&look(&config).await?, row, json).await
        }
        DeliveriesCommand::Retry { id } => bury_or_wake(&config, Wish::parse(&id)?, Deed::Retry).await,
        DeliveriesCommand::Discard { id } => bury_or_wake(&config, Wish::parse(&id)?, Deed::Discard).await,
    }
}

async fn look(config: &Config) -> anyhow::Result<Store> {
    Ok(Store::open_read_only(&config.store_url).await?)
}

async fn list(store: &Store, json: bool) -> Result<ExitCode, CliError> {
    let inbox = store.inbox_list(ROWS).await.map_err(anyhow::Error::from)?;
    let outbox = store.outbox_list(ROWS).await.map_err(anyhow::Error::from)?;
    if json {
        let inbox: Vec<_> = inbox.iter().map(inbox_json).collect();
        let outbox: Vec<_> = outbox.iter().map(outbox_json).collect();
        anstream::println!("{:#}", serde_json::json!({ "inbox": inbox, "outbox": outbox }));
        return Ok(ExitCode::SUCCESS);
    }
    let mut actions = table(&["outbox", "change", "action", "state", "attempts", "last answer"]);
    for row in &outbox {
        actions.add_row([
            format!("out:{}", row.id),
            row.change.to_string(),
            row.kind.clone(),
            state(row),
            row.attempts.to_string(),
            row.error.clone().unwrap_or_default(),
        ]);
    }
    anstream::println!(
        "{}",
        if outbox.is_empty() { "The outbox is empty.".into() } else { fitted(&mut actions) }
    );
    let mut facts = table(&["inbox", "change", "event", "received", "decided"]);
    for row in &inbox {
        let decided = row.decided_at.map_or_else(
            || match &row.why {
                None => "not yet".into(),
                Some(why) => format!("not yet: {why}; again at {}", row.not_before),
            },
            to_the_second,
        );
        let received = to_the_second(row.received_at);
        facts.add_row([
            format!("in:{}", row.id),
            row.change.to_string(),
            row.event.clone(),
            received,
            decided,
        ]);
    }
    anstream::println!(
        "\n{}",
        if inbox.is_empty() { "The inbox is empty.".into() } else { fitted(&mut facts) }
    );
    Ok(ExitCode::SUCCESS)
}

async fn show(store: &Store, row: Row, json: bool) -> Result<ExitCode, CliError> {
    match row {
        Row::Inbox(number) => {
            let Some(row) = store.inbox_row(number).await.map_err(anyhow::Error::from)? else {
                return missing(&format!("in:{number}"));
            };
            let body = store.delivery_body(number).await.map_err(anyhow::Error::from)?;
            let body = body.map(|body| String::from_utf8_lossy(&body).into_owned());
            if json {
                let mut value = inbox_json(&row);
                value["body"] = serde_json::json!(body);
                anstream::println!("{value:#}");
                return Ok(ExitCode::SUCCESS);
            }
            anstream::println!("in:{}  {}  {}  received {}", row.id, row.change, row.event, row.received_at);
            for fact in &row.facts {
                anstream::println!("  {}", happening(fact));
            }
            anstream::println!("\n{}", body.unwrap_or_else(|| "The body is not kept.".into()));
        }
        Row::Outbox(number) => {
            let rows = store.outbox_list(u32::MAX).await.map_err(anyhow::Error::from)?;
            let Some(row) = rows.into_iter().find(|row| row.id == number) else {
                return missing(&format!("out:{number}"));
            };
            if json {
                anstream::println!("{:#}", outbox_json(&row));
                return Ok(ExitCode::SUCCESS);
            }
            anstream::println!("out:{}  {}  {}  {}", row.id, row.change, row.kind, state(&row));
            anstream::println!("  {}", action_words(&row.action));
            if let Some(error) = &row.error {
                anstream::println!("  the forge's last answer: {error}");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What becomes of a dead letter.
#[derive(Clone, Copy)]
enum Deed {
    Retry,
    Discard,
}

/// Which dead letters are meant.
enum Wish {
    All,
    One(i64),
}

impl Wish {
    fn parse(id: &str) -> Result<Wish, CliError> {
        match id {
            "all" => Ok(Wish::All),
            // Dead letters are all in the outbox, so that their number is enough.
            one if one.parse::<i64>().is_ok() => Wish::parse(&format!("out:{one}")),
            one => match parse(one)? {
                Row::Outbox(number) => Ok(Wish::One(number)),
                Row::Inbox(_) => Err(CliError::Usage(
                    "only dead letters are tried again or discarded, and they are in the outbox: out:7"
                        .into(),
                )),
            },
        }
    }
}

async fn bury_or_wake(config: &Config, wish: Wish, deed: Deed) -> Result<ExitCode, CliError> {
    // A look first: a store is neither made nor locked where there is nothing to do.
    let rows = look(config).await?.outbox_list(u32::MAX).await.map_err(anyhow::Error::from)?;
    let is_dead = |row: &OutboxRow| matches!(row.state, OutboxState::Dead { .. });
    let wanted: Vec<i64> = match wish {
        Wish::All => rows.iter().filter(|row| is_dead(row)).map(|row| row.id).collect(),
        Wish::One(number) => match rows.iter().find(|row| row.id == number) {
            None => return missing(&format!("out:{number}")),
            Some(row) if !is_dead(row) => return not_dead(number),
            Some(_) => vec![number],
        },
    };
    if wanted.is_empty() {
        anstream::println!("There are no dead letters.");
        return Ok(ExitCode::SUCCESS);
    }
    let store = Store::open_beside(&config.store_url).await.map_err(anyhow::Error::from)?;
    for id in &wanted {
        let (done, what) = match deed {
            Deed::Retry => (store.retry_dead(*id).await, "is tried again within a minute"),
            Deed::Discard => (store.discard_dead(*id).await, "is discarded"),
        };
        if done.map_err(anyhow::Error::from)? {
            anstream::println!("out:{id} {what}.");
        } else if matches!(wish, Wish::One(_)) {
            // Replaced or retried since the look.
            return not_dead(*id);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn not_dead(id: i64) -> Result<ExitCode, CliError> {
    anstream::eprintln!("out:{id} is not dead. `usher deliveries list` shows its state.");
    Ok(ExitCode::FAILURE)
}

fn missing(id: &str) -> Result<ExitCode, CliError> {
    anstream::eprintln!("There is no such row: {id}. `usher deliveries list` shows what there is.");
    Ok(ExitCode::FAILURE)
}

enum Row {
    Inbox(i64),
    Outbox(i64),
}

fn parse(id: &str) -> Result<Row, CliError> {
    let wrong = || CliError::Usage(format!("`{id}` is no row; write in:12 or out:7, as the list does"));
    let (kind, number) = id.split_once(':').ok_or_else(wrong)?;
    let number = number.parse().map_err(|_| wrong())?;
    match kind {
        "in" => Ok(Row::Inbox(number)),
        "out" => Ok(Row::Outbox(number)),
        _ => Err(wrong()),
    }
}

/// A time in a table, where no more than that is needed and room is short.
fn to_the_second(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn state(row: &OutboxRow) -> String {
    match row.state {
        OutboxState::Pending { run_at } => format!("due {run_at}"),
        OutboxState::Leased { until } => format!("being performed (until {until})"),
        OutboxState::Dead { since } => format!("dead since {since}"),
    }
}

fn inbox_json(row: &InboxRow) -> serde_json::Value {
    serde_json::json!({
        "id": format!("in:{}", row.id),
        "delivery_id": row.delivery_id,
        "event": row.event,
        "change": row.change.to_string(),
        "facts": row.facts,
        "received_at": row.received_at,
        "decided_at": row.decided_at,
        "not_before": row.not_before,
        "why": row.why,
    })
}

fn outbox_json(row: &OutboxRow) -> serde_json::Value {
    serde_json::json!({
        "id": format!("out:{}", row.id),
        "change": row.change.to_string(),
        "kind": row.kind,
        "action": row.action,
        "state": state(row),
        "attempts": row.attempts,
        "created_at": row.created_at,
        "error": row.error,
    })
}
