//! Owners: members of a pool who own changed files by the repository's CODEOWNERS. They are asked
//! first; the pool stays the boundary, so nobody from outside it ever comes in this way.

use crate::model::owner::Owner;
use crate::model::people::{Directory, Person};

/// Most owners of one pool that a review remembers.
const OWNERS_MAX: usize = 50;
/// Longest path that is remembered beside an owner, in characters.
const PATH_CHARS_MAX: usize = 120;
/// Most handles that a reason names.
pub(crate) const NAMED_MAX: usize = 5;

/// Members of the pool behind the handles, each once, and the first handles that lead to none.
pub(crate) fn within(
    directory: &Directory,
    pool: &str,
    handles: &[(String, String)],
) -> (Vec<Owner>, Vec<String>) {
    let mut owners: Vec<Owner> = Vec::new();
    let mut outside = Vec::new();
    for (handle, path) in handles {
        let mut inside = false;
        for name in directory.behind(handle) {
            if !directory.in_pool(pool, name) {
                continue;
            }
            inside = true;
            if owners.len() < OWNERS_MAX && owners.iter().all(|owner| owner.person != *name) {
                let path = path.chars().take(PATH_CHARS_MAX).collect();
                owners.push(Owner { person: name.to_owned(), path });
            }
        }
        if !inside && outside.len() < NAMED_MAX {
            outside.push(handle.clone());
        }
    }
    (owners, outside)
}

impl Directory {
    /// The names of those whom a handle of CODEOWNERS (`login`, `org/team`, `group/subgroup`, without
    /// `@`) stands for on this forge: a person, or the members of a group that a pool or `[support]`
    /// lists. Nobody, if it is neither.
    pub fn behind<'d>(&'d self, handle: &str) -> Vec<&'d str> {
        let login = |person: &&Person| {
            person.account.as_ref().is_some_and(|account| account.login.eq_ignore_ascii_case(handle))
        };
        match self.people().find(login) {
            Some(person) => vec![person.name.as_str()],
            None => self.group(handle).iter().map(String::as_str).collect(),
        }
    }
}
