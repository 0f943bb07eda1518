//! The shell's own sections: `[store]`, `[[forge]]`, `[reconcile]`.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use usher_core::model::calendar::Window;
use usher_core::model::change::ForgeKind;
use usher_core::model::policy::Pattern;

use super::mistakes::{Book, Fault, did_you_mean};
use super::outside::Outside;
use super::reader::{Placed, Section, bare};
use super::settings::{Forge, SignIn};
use super::tree::Node;
use super::{keys, secrets, units, way};

const SECRET_KEYS: &[&str] =
    &["token", "app_private_key", "app_id", "webhook_secrets", "signing_tokens", "secret_tokens"];
/// Changes of a GitLab that are written to at once, unless said otherwise, and at most.
const CHANGES_AT_ONCE: usize = 4;
const CHANGES_AT_ONCE_MOST: u32 = 16;
/// Most maintenance windows of one forge.
const WINDOWS_MOST: usize = 500;
const RECONCILE_EVERY: Duration = Duration::from_secs(600);
const RECONCILE_LEAST: Duration = Duration::from_secs(10);
const RECONCILE_MOST: Duration = Duration::from_secs(86_400);

/// A forge as far as it was understood: enough to check what refers to it.
pub(super) struct ReadForge {
    pub name: Placed<String>,
    /// `None` when it was not understood.
    pub kind: Option<ForgeKind>,
    /// `None` when something in it was wrong.
    pub whole: Option<Forge>,
}

pub(super) fn store_url(root: &Section<'_>, book: &mut Book) -> String {
    let default = "sqlite:usher.db".to_owned();
    let Some(section) = root.section(book, "store", &keys::STORE) else { return default };
    section.value(book, "url", store).map_or(default, |url| url.it)
}

fn store(node: &Node) -> Result<String, Fault> {
    let text = units::text(node)?;
    let todo = "write \"sqlite:\" and the path of the database file: \"sqlite:usher.db\"";
    match text.split_once(':') {
        Some(("sqlite", path)) if !path.trim_start_matches('/').is_empty() => Ok(text),
        Some(("sqlite", _)) => Err(Fault::new("the store's address names no file", todo)),
        Some(("postgres" | "postgresql", _)) => {
            Err(Fault::new("PostgreSQL as a store comes with a later release", todo))
        }
        _ => Err(Fault::new("the store's address has no known scheme", todo)),
    }
}

pub(super) fn reconcile_every(root: &Section<'_>, book: &mut Book) -> Duration {
    let Some(section) = root.section(book, "reconcile", &keys::RECONCILE) else { return RECONCILE_EVERY };
    let every = section.value(book, "every", |node| {
        let every = units::duration(node)?;
        if (RECONCILE_LEAST..=RECONCILE_MOST).contains(&every) {
            return Ok(every);
        }
        Err(Fault::new("a pause out of range", "write a duration from \"10s\" to \"1d\""))
    });
    every.map_or(RECONCILE_EVERY, |every| every.it)
}

pub(super) fn forges(root: &Section<'_>, outside: &Outside<'_>, book: &mut Book) -> Vec<ReadForge> {
    if root.node("forge").is_none() {
        let todo =
            "begin one with a line [[forge]] and give it name, kind, token, a webhook secret and projects";
        book.mistake(root.place, "no forge is configured", todo);
    }
    let mut forges: Vec<ReadForge> = Vec::new();
    for section in root.sections(book, "forge", &keys::FORGE) {
        let Some(forge) = forge(&section, outside, book) else { continue };
        if forges.iter().any(|other| other.name.it == forge.name.it) {
            let what = format!("a second forge is called `{}`", forge.name.it);
            book.mistake(
                &forge.name.place,
                what,
                "each forge has a name of its own: it is part of the webhook's address",
            );
        }
        report_overlap(&forges, &forge, book);
        forges.push(forge);
    }
    forges
}

/// Two forges at one address must not watch the same projects: every delivery would count twice.
fn report_overlap(forges: &[ReadForge], forge: &ReadForge, book: &mut Book) {
    let Some(whole) = &forge.whole else { return };
    for other in forges.iter().filter_map(|other| other.whole.as_ref()) {
        let same = |a: &Pattern, b: &Pattern| a.text.eq_ignore_ascii_case(&b.text);
        let shared = |pattern: &&Pattern| other.projects.iter().any(|theirs| same(theirs, pattern));
        if let Some(pattern) = whole.projects.iter().find(shared)
            && other.url == whole.url
        {
            let what = format!(
                "`{}` and `{}` both watch `{}` at the same address",
                other.name, whole.name, pattern.text
            );
            book.mistake(&forge.name.place, what, "join the two, or give them different projects");
        }
    }
}

/// `None` when it has no name, so that nothing can refer to it.
fn forge(section: &Section<'_>, outside: &Outside<'_>, book: &mut Book) -> Option<ReadForge> {
    secrets::hide_literals(section, SECRET_KEYS, book);
    let todo = "a short name in lower case: it is part of the webhook's address, POST /hooks/NAME";
    let name = section.own_name(book, todo, forge_name);
    let kind = section.required(book, "kind", "write kind = \"gitlab\" or kind = \"github\"", kind);
    let kind = kind.map(|kind| kind.it);
    let url = forge_url(section, kind, book);
    let todo = "list the projects to watch: projects = [\"acme/*\"]";
    let projects = section.list(book, "projects", units::project_pattern);
    if section.node("projects").is_none() || section.is_empty_list("projects") {
        book.mistake(
            section.key_place("projects").unwrap_or(section.place),
            "a forge needs `projects`",
            todo,
        );
    }
    let sign_in = sign_in(section, kind, outside, book);
    let maintenance = maintenance(section, book);
    let changes_at_once = changes_at_once(section, kind, book);
    let ca = section.value(book, "ca_file", |node| way::ca_file(node, outside));
    let proxy = section.value(book, "proxy", |node| way::proxy(node, outside));
    let webhooks = kind.map(|kind| webhooks(section, kind, outside, book));
    let name = name?;
    let whole = match (kind, url, sign_in, webhooks) {
        (Some(kind), Some(url), Some(sign_in), Some(webhooks)) => Some(Forge {
            name: name.it.clone(),
            kind,
            url,
            sign_in,
            webhook_secrets: webhooks.webhook_secrets,
            signing_tokens: webhooks.signing_tokens,
            secret_tokens: webhooks.secret_tokens,
            allow_unsigned: webhooks.allow_unsigned,
            projects: bare(projects),
            ca: ca.map(|ca| ca.it),
            proxy: proxy.map(|proxy| proxy.it),
            changes_at_once,
            maintenance,
        }),
        _ => None,
    };
    Some(ReadForge { name, kind, whole })
}

/// How many changes are written to at once. GitHub asks for one write after another
/// (`best-practices-for-using-the-rest-api.md`).
fn changes_at_once(section: &Section<'_>, kind: Option<ForgeKind>, book: &mut Book) -> usize {
    let given = section.value(book, "changes_at_once", units::count(1, CHANGES_AT_ONCE_MOST));
    let Some(given) = given else { return if kind == Some(ForgeKind::GitLab) { CHANGES_AT_ONCE } else { 1 } };
    if kind == Some(ForgeKind::GitHub) && given.it != 1 {
        let todo = "leave it out";
        book.mistake(&given.place, "GitHub asks for one write after another", todo);
    }
    given.it as usize
}

/// The windows in which the forge is closed.
fn maintenance(section: &Section<'_>, book: &mut Book) -> Arc<[Window]> {
    let windows = section.list(book, "maintenance", units::window);
    if let Some(window) = windows.get(WINDOWS_MOST) {
        let what = format!("more than {WINDOWS_MOST} maintenance windows");
        book.mistake(&window.place, what, "leave out those that no open change has lived through");
    }
    Window::joined(bare(windows)).into()
}

fn forge_name(node: &Node) -> Result<String, Fault> {
    let text = units::text(node)?;
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.chars().all(fits) && text.len() <= 40 && !text.starts_with('-') {
        return Ok(text);
    }
    let todo = "it is part of an address: lower-case letters, digits and `-`, at most 40";
    Err(Fault::new(format!("`{text}` does not fit as the name of a forge"), todo))
}

fn kind(node: &Node) -> Result<ForgeKind, Fault> {
    let text = units::text(node)?;
    match text.as_str() {
        "gitlab" => Ok(ForgeKind::GitLab),
        "github" => Ok(ForgeKind::GitHub),
        _ => {
            let todo = did_you_mean(&text.to_lowercase(), &["gitlab", "github"], "");
            Err(Fault::new(format!("unknown kind of forge `{text}`"), todo))
        }
    }
}

/// The address of the forge, or the default of its kind; `None` when it is wrong.
fn forge_url(section: &Section<'_>, kind: Option<ForgeKind>, book: &mut Book) -> Option<String> {
    if section.node("url").is_none() {
        return Some(match kind? {
            ForgeKind::GitLab => "https://gitlab.com".to_owned(),
            ForgeKind::GitHub => "https://api.github.com".to_owned(),
        });
    }
    let read = section.value(book, "url", |node| address(node, kind))?;
    let (text, url) = read.it;
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    if url.scheme() == "http" && !loopback {
        book.warning(&read.place, "the token travels unencrypted to this forge", "use https://");
    }
    let host = url.host_str().unwrap_or_default();
    if kind == Some(ForgeKind::GitHub)
        && !loopback
        && !host.starts_with("api.")
        && !url.path().ends_with("/api/v3")
    {
        let todo = format!("GitHub Enterprise Server answers at \"{}://{host}/api/v3\"", url.scheme());
        book.warning(&read.place, "this does not look like the address of a GitHub API", todo);
    }
    Some(text)
}

fn address(node: &Node, kind: Option<ForgeKind>) -> Result<(String, Url), Fault> {
    let text = units::text(node)?;
    let text = text.trim_end_matches('/').to_owned();
    let wrong = |what: &str, todo: &str| Err(Fault::new(what, todo));
    let Ok(url) = Url::parse(&text) else {
        return wrong("this is no address of a forge", "write it in full: \"https://gitlab.example.com\"");
    };
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return wrong(
            "the address of a forge begins with https://",
            "write it in full: \"https://gitlab.example.com\"",
        );
    }
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return wrong("the address of a forge has no user, `?` or `#` in it", "the token goes into `token`");
    }
    match kind {
        Some(ForgeKind::GitLab) if url.path().ends_with("/api/v4") => {
            wrong("the address of a GitLab is written without the path of its API", "leave out /api/v4")
        }
        Some(ForgeKind::GitHub) if matches!(url.host_str(), Some("github.com" | "www.github.com")) => wrong(
            "github.com is not where GitHub's API answers",
            "leave `url` out, or write \"https://api.github.com\"",
        ),
        _ => Ok((text, url)),
    }
}

/// What to sign in with: a token, or, on GitHub, an App's id with its private key.
fn sign_in(
    section: &Section<'_>,
    kind: Option<ForgeKind>,
    outside: &Outside<'_>,
    book: &mut Book,
) -> Option<SignIn> {
    let app_key = ["app_id", "app_private_key"].iter().find_map(|name| section.key_place(name));
    let token = section.value(book, "token", |node| secrets::token(node, outside));
    let Some(place) = app_key else {
        if section.node("token").is_none() {
            let todo = match kind {
                Some(ForgeKind::GitHub) => {
                    "write token = \"env:NAME\", or app_id and app_private_key of a GitHub App"
                }
                _ => "write token = \"env:NAME\" and put the access token into that variable",
            };
            book.mistake(section.place, "[[forge]] needs `token`", todo);
        }
        return Some(SignIn::Token(token?.it));
    };
    if kind == Some(ForgeKind::GitLab) {
        book.mistake(place, "a GitLab has no Apps", "write token = \"env:NAME\" instead");
        return None;
    }
    if let Some(token) = section.key_place("token") {
        let what = "both a token and a GitHub App: it must be clear as whom Usher acts";
        book.mistake(token, what, "leave `token` out, or the two keys of the App");
        return None;
    }
    let todo = "write app_id = 123, as the App's page shows it under \"App ID\"";
    let id = section.required(book, "app_id", todo, app_id);
    let todo = "write app_private_key = \"file:usher.private-key.pem\", the file that GitHub handed out";
    let private_key =
        section.required(book, "app_private_key", todo, |node| secrets::private_key(node, outside));
    Some(SignIn::App { id: id?.it, private_key: private_key?.it })
}

fn app_id(node: &Node) -> Result<u64, Fault> {
    let count = units::count(1, u32::MAX)(node)?;
    Ok(u64::from(count))
}

/// What proves that a delivery comes from the forge.
struct Webhooks {
    webhook_secrets: Vec<SecretString>,
    signing_tokens: Vec<SecretString>,
    secret_tokens: Vec<SecretString>,
    allow_unsigned: bool,
}

fn webhooks(section: &Section<'_>, kind: ForgeKind, outside: &Outside<'_>, book: &mut Book) -> Webhooks {
    let plain = |node: &Node| secrets::secret(node, outside);
    let webhooks = Webhooks {
        webhook_secrets: bare(section.list(book, "webhook_secrets", plain)),
        signing_tokens: bare(
            section.list(book, "signing_tokens", |node| secrets::signing_token(node, outside)),
        ),
        secret_tokens: bare(section.list(book, "secret_tokens", plain)),
        allow_unsigned: section.value(book, "allow_unsigned", units::boolean).is_some_and(|value| value.it),
    };
    let (own, foreign, owner): (&[&str], &[&str], _) = match kind {
        ForgeKind::GitLab => (&["signing_tokens", "secret_tokens"], &["webhook_secrets"], "GitHub"),
        ForgeKind::GitHub => {
            (&["webhook_secrets"], &["signing_tokens", "secret_tokens", "allow_unsigned"], "GitLab")
        }
    };
    for name in foreign {
        if let Some(place) = section.key_place(name) {
            let what = format!("`{name}` is a key of {owner}, and this forge is of kind {}", kind.word());
            book.mistake(place, what, format!("here it is `{}`", own[0]));
        }
    }
    let filled = |name: &&str| section.node(name).is_some() && !section.is_empty_list(name);
    if !own.iter().any(filled) {
        let what = format!("this forge has no `{}`, so no delivery could be trusted", own.join("` and no `"));
        let older = if kind == ForgeKind::GitLab { " (secret_tokens before GitLab 19.0)" } else { "" };
        let todo = format!("write {} = [\"env:NAME\"]{older} and set the same secret in the webhook", own[0]);
        book.mistake(section.place, what, todo);
    }
    secrets::warn_of_weak(section, outside, book);
    let useful = !webhooks.signing_tokens.is_empty() && !webhooks.secret_tokens.is_empty();
    if let (true, false, Some(place)) = (webhooks.allow_unsigned, useful, section.key_place("allow_unsigned"))
    {
        book.warning(
            place,
            "`allow_unsigned` does nothing unless `signing_tokens` and `secret_tokens` are both set",
            "it is for the time of a migration from secret tokens to signing tokens",
        );
    }
    webhooks
}
