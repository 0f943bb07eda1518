//! What makes a change a feature, customers' tickets, other changes in the queue, announcements.

use usher_core::model::change::ChangeKey;
use usher_core::model::queue::Waiting;
use usher_core::model::scope::ScopeRules;
use usher_core::model::tickets::{TicketRules, TicketSystem, compiled};

use crate::scenarios::Story;
use crate::scenarios::language::{Line, Told, lines};
use crate::scenarios::read::{number, person, time};

pub(super) const LINES: &[Line<()>] = lines! {
    "the label {feature} means a feature" => label_means,
        "A change with the label is more than a fix and needs a sponsor.";
    "titles like {(?i)^add a} mean a feature" => titles_mean,
        "A change whose title fits this regular expression is more than a fix.";
    "more than {100} lines mean a feature" => lines_mean,
        "A change with more changed lines is more than a fix.";
    "more than {2} files mean a feature" => files_mean,
        "A change with more changed files is more than a fix.";
    "nothing means a feature" =>
        |story, []| { story.play.company.policy.scope = ScopeRules::default(); Ok(()) },
        "The configuration loses these rules.";
    "the title is {feat: export as PDF}" => title_is, "The change has this title.";
    "tickets are in zendesk, and in jira as {SUP}" => tickets_are_in,
        "There are two ticket systems, for `ZD-12` and `SUP-7`.";
    "the description says {Fixes ZD-12 and SUP-7}" => description_says, "The change has this description.";
    "merges are announced" => |story, []| { story.play.company.policy.announces_merges = true; Ok(()) },
        "Usher tells the ticket systems of each merge.";
    "change {1} waits for {rita} of {backend} since {Mon 09:00}" => waits_for,
        "Another change hopes for her since then.";
};

fn label_means(story: &mut Story, [label]: [&str; 1]) -> Told {
    story.play.company.policy.scope.labels.insert(label.to_owned());
    Ok(())
}

fn titles_mean(story: &mut Story, [pattern]: [&str; 1]) -> Told {
    story.play.company.policy.scope.titles.push(compiled(pattern)?);
    Ok(())
}

fn lines_mean(story: &mut Story, [most]: [&str; 1]) -> Told {
    story.play.company.policy.scope.max_lines = Some(number(most)?.into());
    Ok(())
}

fn files_mean(story: &mut Story, [most]: [&str; 1]) -> Told {
    story.play.company.policy.scope.max_files = Some(number(most)?.into());
    Ok(())
}

fn title_is(story: &mut Story, [title]: [&str; 1]) -> Told {
    story.play.forge.title = title.to_owned();
    Ok(())
}

fn tickets_are_in(story: &mut Story, [keys]: [&str; 1]) -> Told {
    let jira = TicketSystem::jira("jira", &[keys.to_owned()]).unwrap();
    let systems = vec![TicketSystem::zendesk("zendesk").unwrap(), jira];
    story.play.company.policy.tickets = TicketRules::new(systems).into();
    Ok(())
}

fn description_says(story: &mut Story, [text]: [&str; 1]) -> Told {
    story.play.forge.tickets = Some(story.play.company.policy.tickets.find(text));
    Ok(())
}

fn waits_for(story: &mut Story, [number_of_change, who, pool, since]: [&str; 4]) -> Told {
    person(who)?;
    let change = ChangeKey::new("forge", "acme/shop", number(number_of_change)?.into());
    let place = time(since, story.play.start)?;
    story.play.company.line_up(who, Waiting { place, change, pool: pool.to_owned() });
    Ok(())
}
