//! Commands as both forges tell of them: to whom they are addressed, that edits are none, and who
//! counts as a bot.

use serde_json::Value;
use usher::forge::{Inbound, Reading, Secrets};
use usher_core::model::change::ForgeKind;
use usher_core::model::fact::{Act, Command, CommentPlace, Fact};

use super::{headers, payload};

/// Each forge with a payload of a comment that was just written.
const WRITTEN: [(&str, &str); 2] = [("github", "issue_comment.created"), ("gitlab", "note")];
/// And of one that was edited.
const EDITED: [(&str, &str); 2] = [("github", "issue_comment.edited"), ("gitlab", "note_edited")];

/// The payload with other words in its comment.
fn comment(forge: &str, name: &str, text: &str) -> Value {
    let mut body: Value = serde_json::from_str(&payload(forge, name)).unwrap();
    match forge {
        "github" => body["comment"]["body"] = text.into(),
        _ => body["object_attributes"]["note"] = text.into(),
    }
    body
}

fn read(forge: &str, body: &Value, me: Option<&str>) -> Vec<Fact> {
    let (kind, event) = match forge {
        "github" => (ForgeKind::GitHub, "issue_comment"),
        _ => (ForgeKind::GitLab, "Note Hook"),
    };
    let inbound = Inbound::new(forge, kind, &Secrets::default(), Vec::new());
    let pairs = headers(&[("X-GitHub-Event", event), ("X-Gitlab-Event", event)]);
    match inbound.unwrap().read_as(&pairs, body.to_string().as_bytes(), me) {
        Ok(Reading::Change(incoming)) => incoming.facts,
        other => panic!("{forge}: {other:?}"),
    }
}

fn commands(facts: &[Fact]) -> Vec<Command> {
    let acts = facts.iter().filter_map(|fact| match fact {
        Fact::Told { act: Act::Commanded { command, also, .. }, .. } => Some((command, also)),
        _ => None,
    });
    acts.flat_map(|(command, also)| std::iter::once(command).chain(also)).cloned().collect()
}

#[test]
fn commands_are_addressed_to_the_bots_own_login_too() {
    for (forge, name) in WRITTEN {
        let said = |text: &str, me| commands(&read(forge, &comment(forge, name, text), me));
        assert_eq!(said("@acme-bot why", None), [], "{forge}: it is not known yet");
        assert_eq!(said("@acme-bot why", Some("acme-bot")), [Command::Why], "{forge}");
        assert_eq!(said("@Acme-Bot: why?", Some("acme-bot")), [Command::Why], "{forge}");
        assert_eq!(said("@usher why", Some("acme-bot")), [Command::Why], "{forge}: @usher works everywhere");
        // A GitHub App's login ends in `[bot]`, and people leave that out.
        assert_eq!(said("@acme why", Some("acme[bot]")), [Command::Why], "{forge}");
        assert_eq!(said("@acme[bot] why", Some("acme[bot]")), [Command::Why], "{forge}");
        assert_eq!(said("@acme-bots why", Some("acme-bot")), [], "{forge}: somebody else");
        assert_eq!(said("@ why", Some("[bot]")), [], "{forge}");
    }
}

/// Neither forge says reliably what stood there before: GitLab says nothing of it. So an edit is
/// never a command, and cannot run one twice.
#[test]
fn an_edited_comment_is_no_command() {
    for (forge, name) in EDITED {
        for text in ["@usher skip", "Fixed a typo.\n\n@usher decline", "No command any more"] {
            let facts = read(forge, &comment(forge, name, text), None);
            let acts: Vec<_> =
                facts.iter().map(|fact| matches!(fact, Fact::Told { act: Act::Touched, .. })).collect();
            assert_eq!(acts, [true], "{forge}: {facts:?}");
        }
    }
}

#[test]
fn the_commands_of_one_comment_are_one_fact() {
    for (forge, name) in WRITTEN {
        let facts = read(forge, &comment(forge, name, "@usher why\n@usher skip\n@usher frob"), None);
        assert_eq!(facts.len(), 1, "{forge}");
        let unknown = Command::Unknown { text: "frob".into(), nearest: None };
        assert_eq!(commands(&facts), [Command::Why, Command::Skip, unknown], "{forge}");
    }
}

/// A fact that was stored before comments were one fact is read as ever.
#[test]
fn a_stored_command_of_an_older_usher_is_read() {
    let act: Act =
        serde_json::from_str(r#"{"act":"commanded","command":{"command":"why"},"comment":5}"#).unwrap();
    assert_eq!(
        act,
        Act::Commanded { command: Command::Why, comment: 5, place: CommentPlace::Conversation, also: vec![] }
    );
    assert_eq!(serde_json::to_value(&act).unwrap().get("also"), None);
}

#[test]
fn what_an_internal_note_says_is_not_repeated() {
    let mut body = comment("gitlab", "note", "@usher decline the customer Foo is on fire\n@usher tell Foo");
    let decline = |note: Option<&str>| Command::Decline { note: note.map(str::to_owned) };
    let open = commands(&read("gitlab", &body, None));
    assert_eq!(open[0], decline(Some("the customer Foo is on fire")));
    assert_eq!(open.len(), 2);
    body["object_attributes"]["internal"] = true.into();
    assert_eq!(commands(&read("gitlab", &body, None)), [decline(None)]);
}

#[test]
fn a_bot_is_known_by_the_forges_own_word_or_by_its_name() {
    let actor_is_bot = |forge: &str, body: &Value| match &read(forge, body, None)[..] {
        [Fact::Told { by, .. }] => by.bot,
        other => panic!("{other:?}"),
    };
    let github = |login: &str, kind: &str| {
        let mut body = comment("github", "issue_comment.created", "@usher why");
        for user in ["/comment/user", "/sender"] {
            let user = body.pointer_mut(user).unwrap();
            (user["login"], user["type"]) = (login.into(), kind.into());
        }
        actor_is_bot("github", &body)
    };
    assert!(github("renovate", "Bot") && github("renovate[bot]", "User") && !github("rita", "User"));
    let gitlab = |login: &str| {
        let mut body = comment("gitlab", "note", "@usher why");
        body["user"]["username"] = login.into();
        actor_is_bot("gitlab", &body)
    };
    for login in ["project_123_bot_3fa9", "group_7_bot", "service_account_group_7_a1"] {
        assert!(gitlab(login), "{login}");
    }
    assert!(!gitlab("rita"));
}
