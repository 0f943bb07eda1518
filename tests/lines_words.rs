//! Lines of stories about commands and words: what Usher is called, who maintains, templates.

use usher_core::model::action::Action;
use usher_core::model::change::Account;
use usher_words as words;
use usher_words::templates::{Templates, Text};

use super::{Story, Told, fit, names, number, person, same};

impl Story {
    pub(super) fn given_words(&mut self, line: &str) -> Option<Told> {
        let company = &mut self.play.company;
        if let Some([login]) = fit("Usher is called {} here", line) {
            company.roster.me = Some(Account::new(1, login));
            let handle = login.trim_end_matches("[bot]").to_owned();
            self.play.forge.handles = vec!["usher".to_owned(), handle];
            return Some(Ok(()));
        }
        if let Some([who]) = fit("the maintainers are {}", line) {
            company.policy.maintainers.members = names(who);
            return Some(names(who).iter().try_for_each(|name| person(name).map(|_| ())));
        }
        if line == "there are no templates" {
            company.templates = Templates::default();
            return Some(Ok(()));
        }
        let [name, source] = fit("the template {} says {}", line)?;
        let Some(text) = Text::ALL.into_iter().find(|text| text.word() == name) else {
            return Some(Err(format!("there is no template `{name}`")));
        };
        company.templates.add(text, &format!("{name}.md"), &source.replace(" / ", "\n"));
        Some(Ok(()))
    }

    pub(super) fn then_words(&mut self, line: &str) -> Option<Told> {
        if let Some([text]) = fit("the reply does not say {}", line) {
            let says = self.replies().any(|reply| reply.contains(text));
            return Some(if says { Err(format!("a reply says {text}")) } else { Ok(()) });
        }
        let count = fit("there is {} reply", line).or_else(|| fit("there are {} replies", line));
        count.map(|[count]| number(count).and_then(|count| same(count as usize, self.replies().count())))
    }

    /// What was replied to the last thing that happened.
    fn replies(&self) -> impl Iterator<Item = String> {
        let recent = self.play.ledger[self.ledger_seen..].iter().flat_map(|entry| &entry.actions);
        recent.filter_map(|action| match action {
            Action::Reply(reply) => Some(words::reply(reply).body().to_owned()),
            _ => None,
        })
    }
}
