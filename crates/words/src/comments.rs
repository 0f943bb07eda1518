//! Messages become comments: the company's words where there are any that can be used, else the
//! built-in ones, and the hidden marker before them.

use usher_core::model::action::Comment;
use usher_core::model::message::{Ping, PingAbout, Reply, StatusView};

use super::templates::{Naming, TemplateFault, TemplateName, Templates};
use super::{context, pings, replies, status as words_of_status};

/// A comment that is ready to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worded {
    pub comment: Comment,
    /// Why the company's template was not used, if there is one.
    pub fault: Option<TemplateFault>,
}

/// The status comment.
pub fn status(templates: &Templates, view: &StatusView) -> Worded {
    let reviewers = view.reviewers.iter().map(|reviewer| reviewer.login.as_str());
    let author = view.author.name.as_ref().map(|_| view.author.login.as_str());
    let naming = Naming { mentions: reviewers.chain(author).collect(), must: None };
    let (text, fault) = templates.word(
        TemplateName::Status,
        &naming,
        || words_of_status::status(view),
        || context::status_context(view),
    );
    Worded { comment: Comment::status(&text), fault }
}

/// A comment that names one person.
pub fn ping(templates: &Templates, ping: &Ping) -> Worded {
    let text = match ping.about {
        PingAbout::Remind { .. } => TemplateName::Remind,
        PingAbout::Escalate { .. } => TemplateName::Escalate,
        PingAbout::Ask => TemplateName::Ask,
        // Seldom, and for one person: companies have no words of their own for these.
        PingAbout::Refused { .. }
        | PingAbout::Back { .. }
        | PingAbout::AuthorSilent { .. }
        | PingAbout::AuthorAway { .. }
        | PingAbout::HandOver { .. }
        | PingAbout::NoRoute => {
            return Worded { comment: Comment::ping(ping, &pings::ping(ping)), fault: None };
        }
    };
    let naming = Naming { mentions: vec![&ping.login], must: Some(&ping.login) };
    let (text, fault) = templates.word(text, &naming, || pings::ping(ping), || context::ping_context(ping));
    Worded { comment: Comment::ping(ping, &text), fault }
}

/// The answer to the commands of one comment. Companies have no words of their own for it.
pub fn reply(reply: &Reply) -> Comment {
    Comment::reply(&reply.key, &replies::reply(reply))
}
