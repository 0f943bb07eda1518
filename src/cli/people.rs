//! `usher people`: who is what, by which source, on which forge, and what is odd about it.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{CliError, start_logging, terminal};
use crate::audit::membership::{Colleague, everybody, oddities};
use crate::audit::words as audit_words;
use crate::clock::Clock;
use crate::config::{Config, Forge};
use crate::engine::{SharedState, StateSnapshot};
use crate::service::client;
use crate::store::{Store, StoreError};
use usher_core::model::people::{Roster, RosterWish, Workloads};

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
    known: Arc<StateSnapshot>,
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
        let shared = SharedState::new(Arc::new(config.policy.clone()), rosters);
        shared.set_absences(absences);
        // The answers are older than the look at them.
        Ok(Sight { known: shared.snapshot(), workloads, now: clock.now(), asked })
    }

    fn print(&self) {
        for (name, forge) in self.known.forges() {
            let (age, _) = audit_words::roster_age(forge.roster.fetched_at, self.fault(name), self.now);
            anstream::println!("{name}: {age}");
            if let Some(Ok(news)) = self.asked.get(name) {
                news.iter().for_each(|line| anstream::println!("  {line}"));
            }
        }
        let mut table = terminal::table(&["person", "is", "accounts", "open", "absence"]);
        for colleague in everybody(&self.known.policy, self.known.people()).values() {
            table.add_row(self.row(colleague));
        }
        anstream::println!("\n{}", terminal::fitted(&mut table));
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
                "fault": self.fault(name),
                "news": self.asked.get(name).and_then(|told| told.as_ref().ok()),
                "unknown": forge.roster.unknown,
                "renamed": forge.roster.renamed().collect::<Vec<_>>(),
                "notes": forge.roster.notes,
            })
        });
        let everybody = everybody(&self.known.policy, self.known.people());
        let people = everybody.values().map(|one| self.person(one));
        let people: Vec<Value> = people.collect();
        json!({
            "forges": forges.collect::<Vec<_>>(), "people": people, "to_look_at": self.oddities(),
        })
    }

    fn fault(&self, forge: &str) -> Option<&str> {
        Some(self.asked.get(forge)?.as_ref().err()?)
    }

    fn row(&self, colleague: &Colleague) -> [String; 5] {
        let person = colleague.person;
        let in_pool = colleague.pools().next().is_some();
        let most = colleague.capacity(&self.known.policy).filter(|_| in_pool);
        let accounts = colleague.accounts.iter().filter_map(|(forge, account)| Some((forge, (*account)?)));
        let accounts = accounts.map(|(forge, known)| format!("{forge}: {} #{}", known.login, known.id));
        [
            person.name.clone(),
            audit_words::member_roles(&colleague.roles).join("\n"),
            Vec::from_iter(accounts).join("\n"),
            most.map(|most| format!("{} of {most}", self.workloads.of(&person.name).open))
                .unwrap_or_default(),
            audit_words::not_there(person, self.now).join("\n"),
        ]
    }

    fn person(&self, colleague: &Colleague) -> Value {
        let person = colleague.person;
        // Null where the forge does not know the person.
        let accounts = colleague.accounts.iter().map(|(forge, account)| {
            (*forge, account.map(|account| json!({ "login": account.login, "id": account.id })))
        });
        json!({
            "name": person.name,
            "roles": colleague.roles.iter().map(|(role, sources)| json!({ "role": role, "sources": sources })).collect::<Vec<_>>(),
            "is": audit_words::member_roles(&colleague.roles), "accounts": BTreeMap::from_iter(accounts),
            "open": self.workloads.of(&person.name).open,
            "capacity": colleague.capacity(&self.known.policy),
            "absences": audit_words::not_there(person, self.now),
        })
    }

    /// What somebody should look at.
    fn oddities(&self) -> Vec<String> {
        oddities(&self.known.policy, &self.known.people()).iter().map(audit_words::oddity).collect()
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
    let store = match Store::open_beside(&config.store_url).await {
        // The server that makes it asks for itself.
        Err(StoreError::Missing { .. }) => return Ok(()),
        store => store?,
    };
    for (forge, roster) in new {
        store.save_roster(forge, roster).await?;
    }
    store.close().await;
    Ok(())
}
