//! What Usher is called, whom it obeys, and the company's own templates.

use usher_core::model::change::Account;
use usher_core::model::choice::VerdictsTold;
use usher_words::templates::{TemplateName, Templates};

use crate::scenarios::Story;
use crate::scenarios::language::{Line, Told, lines};
use crate::scenarios::read::{names, people};

pub(super) const LINES: &[Line<()>] = lines! {
    "choices are told in full" => |story, []| tell(story, VerdictsTold::Full),
        "Comments name everybody of a pool with the judgement; else they have counts.";
    "choices are not told" => |story, []| tell(story, VerdictsTold::Off),
        "Comments say only who is asked.";
    "Usher is called {acme-helper} here" => is_called,
        "Usher has this account on the forge, and obeys under this name, too.";
    "the maintainers are {olga, otto}" => maintainers_are, "These people may give every command.";
    "the template {status} says {Mended, thanks! / All is well.}" => template_says,
        "The company words this text itself, ` / ` begins a new line; also `remind`, `escalate`, `ask`.";
    "there are no templates" =>
        |story, []| { story.play.company.templates = Templates::default(); Ok(()) },
        "Usher uses its own words again.";
};

fn tell(story: &mut Story, told: VerdictsTold) -> Told {
    story.play.company.policy.verdicts = told;
    Ok(())
}

fn is_called(story: &mut Story, [login]: [&str; 1]) -> Told {
    story.play.company.roster.me = Some(Account::new(1, login));
    let handle = login.trim_end_matches("[bot]").to_owned();
    story.play.forge.handles = vec!["usher".to_owned(), handle];
    Ok(())
}

fn maintainers_are(story: &mut Story, [who]: [&str; 1]) -> Told {
    story.play.company.policy.maintainers.members = names(who);
    people(who).map(drop)
}

fn template_says(story: &mut Story, [name, source]: [&str; 2]) -> Told {
    let text = TemplateName::ALL.into_iter().find(|text| text.word() == name);
    let text = text.ok_or_else(|| format!("there is no template `{name}`"))?;
    story.play.company.templates.add(text, &format!("{name}.md"), &source.replace(" / ", "\n"));
    Ok(())
}
