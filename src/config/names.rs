//! One person, one name: forges compare logins without case, and so do lists of people here.

use std::collections::BTreeMap;

use usher_core::model::change::ForgeKind;
use usher_core::model::people::says_login;
use usher_core::model::policy::Policy;

use super::mistakes::Book;
use super::reader::Section;
use super::units;

/// Gives each person one spelling everywhere: that of their `[[person]]`, else the first.
pub(super) fn unite(policy: &mut Policy) {
    let described: Vec<String> = policy.people.keys().cloned().collect();
    let mut spellings = BTreeMap::new();
    for name in described {
        spellings.insert(name.to_lowercase(), name);
    }
    for name in mentions(policy) {
        let spelling = spellings.entry(name.to_lowercase()).or_insert_with(|| name.clone());
        name.clone_from(spelling);
    }
}

/// Every place but `[[person]]` that names somebody.
fn mentions(policy: &mut Policy) -> impl Iterator<Item = &mut String> {
    let pools = policy.pools.iter_mut().flat_map(|pool| pool.members.iter_mut().chain(&mut pool.leads));
    let support = policy.support.members.iter_mut().chain(&mut policy.support.except);
    let support = support.chain(&mut policy.support.lead);
    pools.chain(support).chain(&mut policy.maintainers.members).chain(&mut policy.contact)
}

/// A `[[person]]` may have the login that somebody else goes by under their own name: on that forge the
/// two would be one account.
pub(super) fn report_taken_logins(root: &Section<'_>, policy: &mut Policy, book: &mut Book) {
    let names: Vec<String> = mentions(policy).map(|name| name.clone()).collect();
    for person in root.tables("person") {
        let Some(Ok(owner)) = person.get("name").map(|entry| units::login(&entry.node)) else { continue };
        for kind in [ForgeKind::GitLab, ForgeKind::GitHub] {
            let (Some(entry), true) =
                (person.get(kind.word()), policy.forges.iter().any(|forge| forge.kind == kind))
            else {
                continue;
            };
            let Ok(login) = units::login(&entry.node) else { continue };
            let taken = |name: &&String| {
                !name.eq_ignore_ascii_case(&owner)
                    && says_login(policy, kind, name) == (name.as_str(), false)
                    && name.eq_ignore_ascii_case(&login)
            };
            if let Some(name) = names.iter().find(taken) {
                let what = format!("`{login}` is the account of `{owner}` and, by its name, of `{name}`");
                let todo =
                    format!("write `{owner}` for `{name}`, or describe `{name}` with a login of its own");
                book.mistake(&entry.key, what, todo);
            }
        }
    }
}
