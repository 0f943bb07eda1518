//! Lines about scope, tickets, the queue and announcements.

use usher_core::model::action::Action;
use usher_core::model::change::ChangeKey;
use usher_core::model::fact::Fact;
use usher_core::model::queue::Waiting;
use usher_core::model::tickets::{TicketRules, TicketSystem, compiled};

use super::{Story, Told, fit, holds, moment, number, person, same};

impl Story {
    pub(super) fn given_scope(&mut self, line: &str) -> Option<Told> {
        let scope = &mut self.play.company.policy.scope;
        let told = if let Some([label]) = fit("the label {} means a feature", line) {
            scope.labels.insert(label.to_owned());
            Ok(())
        } else if let Some([pattern]) = fit("titles like {} mean a feature", line) {
            compiled(pattern).map(|pattern| scope.titles.push(pattern))
        } else if let Some([most]) = fit("more than {} lines mean a feature", line) {
            number(most).map(|most| scope.max_lines = Some(most.into()))
        } else if let Some([most]) = fit("more than {} files mean a feature", line) {
            number(most).map(|most| scope.max_files = Some(most.into()))
        } else if line == "nothing means a feature" {
            *scope = usher_core::model::scope::ScopeRules::default();
            Ok(())
        } else {
            return self.given_tickets(line);
        };
        Some(told)
    }

    fn given_tickets(&mut self, line: &str) -> Option<Told> {
        let policy = &mut self.play.company.policy;
        if line == "merges are announced" {
            policy.announces_merges = true;
        } else if let Some([keys]) = fit("tickets are in zendesk, and in jira as {}", line) {
            let jira = TicketSystem::jira("jira", &[keys.to_owned()]).unwrap();
            let systems = vec![TicketSystem::zendesk("zendesk").unwrap(), jira];
            policy.tickets = TicketRules::new(systems).into();
        } else if let Some([text]) = fit("the description says {}", line) {
            self.play.forge.tickets = Some(policy.tickets.find(text));
        } else if let Some([title]) = fit("the title is {}", line) {
            self.play.forge.title = title.to_owned();
        } else {
            return self.given_queue(line);
        }
        Some(Ok(()))
    }

    /// Other changes in the line of somebody.
    fn given_queue(&mut self, line: &str) -> Option<Told> {
        let [number_of_change, who, pool, since] = fit("change {} waits for {} of {} since {}", line)?;
        let told = number(number_of_change).and_then(|number| {
            person(who)?;
            let (place, _) = moment(since, self.play.start).ok_or("no such time")?;
            let change = ChangeKey::new("forge", "acme/shop", number.into());
            let waiting = Waiting { place, change, pool: pool.to_owned() };
            self.play.company.line_up(who, waiting);
            Ok(())
        });
        Some(told)
    }

    pub(super) fn edits_scope(&mut self, line: &str) -> Result<Option<Vec<Fact>>, String> {
        let (forge, now) = (&mut self.play.forge, self.play.now);
        if line == "nobody waits ahead any more" {
            self.play.company.nobody_waits();
            return Ok(Some(vec![Fact::Tick]));
        }
        if let Some([who, text]) = fit("{} writes in the description {}", line) {
            let tickets = self.play.company.policy.tickets.find(text);
            let edit = |forge: &mut crate::support::forge::Forge| forge.tickets = Some(tickets);
            return person(who).map(|who| Some(vec![forge.changed(now, &who, edit)]));
        }
        if let Some([who, title]) = fit("{} renames it to {}", line) {
            let edit = |forge: &mut crate::support::forge::Forge| forge.title = title.to_owned();
            return person(who).map(|who| Some(vec![forge.changed(now, &who, edit)]));
        }
        Ok(None)
    }

    pub(super) fn then_announced(&mut self, line: &str) -> Option<Told> {
        let announced = self.play.ledger.iter().flat_map(|entry| &entry.actions);
        let announced: Vec<_> = announced
            .filter_map(|action| match action {
                Action::Announce(news) => Some(news),
                _ => None,
            })
            .collect();
        if line == "nothing was announced" {
            return Some(holds(announced.is_empty(), || format!("{announced:?} was")));
        }
        let [tickets] = fit("the merge was announced once, for {}", line)?;
        let told = announced.iter().map(|news| {
            let tickets = news.tickets.iter().map(|t| format!("{} {}", t.system, t.reference));
            tickets.collect::<Vec<_>>().join(", ")
        });
        Some(same(vec![tickets.to_owned()], told.collect()))
    }
}
