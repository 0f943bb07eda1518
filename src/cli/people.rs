//! `usher people`: who is what, by which source, on which forge, and what is odd about it.

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::Arc;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::service::client;
use super::{CliError, start_logging};
use crate::clock::Clock;
use crate::config::{Config, Forge};
use crate::core::calendar::Agenda;
use crate::core::membership::{Role, Source, roles};
use crate::core::people::{Person, Roster, RosterWish, Workloads};
use crate::core::words;
use crate::engine::{Knowledge, Known};
use crate::store::{Store, StoreError};

/// A roster older than this is called old: the server reads them hourly.
const OLD_AFTER: jiff::SignedDuration = jiff::SignedDuration::from_hours(2);

pub(super) async fn run(config: &Config, refresh: bool, json: bool) -> Result<ExitCode, CliError> {
    start_logging("warn");
    let clock = Clock::system();
    let sight = Sight::take(config, refresh, &clock).await?;
    if json {
        anstream::println!("{:#}", sight.json());
    } else {
        sight.print();
    }
    let asked = sight.asked.values().all(Result::is_ok);
    Ok(if asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everybody, as the store knows them or the forges just told.
struct Sight {
    known: Arc<Known>,
    workloads: Workloads,
    now: Timestamp,
    /// How asking went, where a forge was asked: who joined and who left.
    asked: BTreeMap<String, Result<Vec<String>, String>>,
}

impl Sight {
    async fn take(config: &Config, refresh: bool, clock: &Clock) -> Result<Sight, CliError> {
        let store = match Store::open_read_only(&config.store_url).await {
            Ok(store) => Some(store),
            Err(StoreError::Missing { .. }) => None,
            Err(error) => return Err(anyhow::Error::from(error).into()),
        };
        let now = clock.now();
        let (mut rosters, mut asked) = (Vec::new(), BTreeMap::new());
        let (mut absences, mut workloads) = Default::default();
        if let Some(store) = &store {
            absences = store.absences().await.map_err(anyhow::Error::from)?;
            workloads = store.workloads(now).await.map_err(anyhow::Error::from)?;
        }
        for forge in &config.forges {
            let mut roster = match &store {
                Some(store) => store.roster(&forge.name).await.map_err(anyhow::Error::from)?,
                None => None,
            }
            .unwrap_or_default();
            if refresh || roster.fetched_at.is_none() {
                let told = ask(config, forge, clock, &mut roster).await?;
                asked.insert(forge.name.clone(), told);
            }
            rosters.push((forge.name.clone(), roster, now));
        }
        if refresh && store.is_some() {
            let new = rosters.iter().filter(|(name, _, _)| asked.get(name).is_some_and(Result::is_ok));
            save(config, new.map(|(name, roster, _)| (name.as_str(), roster))).await?;
        }
        let knowledge = Knowledge::new(Arc::new(config.policy.clone()), rosters);
        knowledge.set_absences(absences);
        Ok(Sight { known: knowledge.now(), workloads, now, asked })
    }

    fn print(&self) {
        for (name, forge) in self.known.forges() {
            let age = words::roster_age(forge.roster.fetched_at, self.now);
            let old = forge.roster.fetched_at.is_none_or(|at| self.now.duration_since(at) > OLD_AFTER);
            anstream::println!("{name}: {age}{}", if old { "  OLD" } else { "" });
            match self.asked.get(name) {
                Some(Err(fault)) => anstream::println!("  it did not tell who is who: {fault}"),
                Some(Ok(news)) => news.iter().for_each(|line| anstream::println!("  {line}")),
                None => {}
            }
        }
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(["person", "is", "accounts", "open", "absence"]);
        for (name, row) in self.rows() {
            let open =
                format!("{} of {}", row.open, row.capacity.map_or("any".into(), |most| most.to_string()));
            let open = if row.in_pool { open } else { String::new() };
            table.add_row([
                name,
                row.roles.join("\n"),
                row.accounts.join("\n"),
                open,
                row.absences.join("\n"),
            ]);
        }
        anstream::println!("\n{table}");
        let oddities = self.oddities();
        if !oddities.is_empty() {
            anstream::println!("\nTo look at:");
        }
        oddities.iter().for_each(|line| anstream::println!("  {line}"));
    }

    fn json(&self) -> Value {
        let forges = self.known.forges().map(|(name, forge)| {
            json!({
                "forge": name,
                "read_at": forge.roster.fetched_at,
                "fault": self.asked.get(name).and_then(|told| told.as_ref().err()),
                "news": self.asked.get(name).and_then(|told| told.as_ref().ok()),
                "unknown": forge.roster.unknown,
                "renamed": forge.roster.renamed().collect::<Vec<_>>(),
                "notes": forge.roster.notes,
            })
        });
        let people = self.rows().into_iter().map(|(name, row)| {
            json!({
                "name": name, "is": row.roles, "accounts": row.ids, "open": row.open,
                "capacity": row.capacity, "absences": row.absences,
            })
        });
        let people: Vec<Value> = people.collect();
        json!({
            "forges": forges.collect::<Vec<_>>(), "people": people, "to_look_at": self.oddities(),
        })
    }

    /// Everybody by name, on all forges.
    fn rows(&self) -> BTreeMap<String, Row> {
        let mut all: BTreeMap<String, BTreeMap<Role, BTreeSet<Source>>> = BTreeMap::new();
        let mut rows: BTreeMap<String, Row> = BTreeMap::new();
        for (forge, known) in self.known.forges() {
            for (name, found) in roles(&self.known.policy, forge, &known.directory, &known.roster) {
                let own = all.entry(name).or_default();
                found.into_iter().for_each(|(role, sources)| own.entry(role).or_default().extend(sources));
            }
            for person in known.directory.people() {
                let row = rows.entry(person.name.clone()).or_default();
                row.add(forge, person, self.now);
                row.in_pool |= known.directory.in_any_pool(&person.name);
                row.open = self.workloads.of(&person.name).open;
            }
        }
        for (name, row) in &mut rows {
            let own = all.remove(name).unwrap_or_default();
            let pools = own.keys().filter_map(|role| match role {
                Role::Pool(pool) => self.known.policy.pool(pool),
                _ => None,
            });
            row.capacity = row.capacity.or_else(|| pools.map(|pool| pool.capacity).max());
            row.roles = own.iter().map(|(role, sources)| words::member_role(role, sources)).collect();
        }
        rows
    }

    /// What somebody should look at.
    fn oddities(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, forge) in self.known.forges() {
            let roster = &forge.roster;
            lines.extend(roster.unknown.iter().map(|unknown| words::unknown_there(name, unknown)));
            lines.extend(roster.renamed().map(|renamed| words::renamed_there(name, &renamed)));
            lines.extend(roster.notes.iter().map(|note| words::member_note(name, note)));
        }
        lines
    }
}

/// One person on all forges.
#[derive(Default)]
struct Row {
    roles: Vec<String>,
    /// `gitlab: rita #12`
    accounts: Vec<String>,
    /// By forge: login and id; null where the forge does not know the person.
    ids: BTreeMap<String, Value>,
    in_pool: bool,
    open: u32,
    capacity: Option<u32>,
    absences: Vec<String>,
}

impl Row {
    fn add(&mut self, forge: &str, person: &Person, now: Timestamp) {
        let account = person.account.as_ref();
        let id = account.map(|account| json!({ "login": account.login, "id": account.id }));
        self.ids.insert(forge.to_owned(), id.unwrap_or_default());
        self.accounts.extend(account.map(|known| format!("{forge}: {} #{}", known.login, known.id)));
        self.capacity = self.capacity.or(person.capacity);
        let today = Agenda::new(&person.hours, &[]).date(now);
        let leave = person.away.iter().filter(|away| away.last >= today);
        let leave = leave.map(|away| match away.first <= today {
            true => format!("away until {}", away.last),
            false => format!("away from {} until {}", away.first, away.last),
        });
        let busy = person.busy.filter(|busy| busy.counts(now));
        let busy = busy.map(|busy| words::busy_phrase(busy.says, busy.until));
        for line in leave.chain(busy) {
            if !self.absences.contains(&line) {
                self.absences.push(line);
            }
        }
    }
}

/// Asks a forge who is who. `roster` becomes its answer, or stays as it was; said is who joined and
/// who left since, or why it did not answer.
async fn ask(
    config: &Config,
    forge: &Forge,
    clock: &Clock,
    roster: &mut Roster,
) -> anyhow::Result<Result<Vec<String>, String>> {
    let wish = RosterWish::new(&config.policy, &forge.name);
    let mut new = match client(forge, clock)?.roster_after(&wish, roster).await {
        Ok(new) => new,
        Err(fault) => return Ok(Err(fault.to_string())),
    };
    let mut news = Vec::new();
    for path in new.groups.keys().filter(|_| roster.fetched_at.is_some()) {
        let of = |roster: &Roster| -> BTreeMap<u64, String> {
            let members = roster.groups.get(path).into_iter().flatten();
            members.map(|account| (account.id, account.login.clone())).collect()
        };
        let (before, after) = (of(roster), of(&new));
        let joined = after.iter().filter(|(id, _)| !before.contains_key(id));
        news.extend(joined.map(|(_, login)| format!("{login} joined {path}")));
        let left = before.iter().filter(|(id, _)| !after.contains_key(id));
        news.extend(left.map(|(_, login)| format!("{login} left {path}")));
    }
    // Who is busy is asked by the server alone; what it knows stays.
    (new.busy, new.busy_fault) = (std::mem::take(&mut roster.busy), roster.busy_fault.take());
    *roster = new;
    Ok(Ok(news))
}

/// Keeps the new rosters where a running server finds them.
async fn save<'a>(config: &Config, new: impl Iterator<Item = (&'a str, &'a Roster)>) -> anyhow::Result<()> {
    let new: Vec<_> = new.collect();
    if new.is_empty() {
        return Ok(());
    }
    let store = Store::open(&config.store_url).await?;
    for (forge, roster) in new {
        store.save_roster(forge, roster).await?;
    }
    store.close().await;
    Ok(())
}
