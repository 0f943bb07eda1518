//! Owners: members of a pool who own changed files by the repository's CODEOWNERS. They are asked
//! first; the pool stays the boundary, so nobody from outside it ever comes in this way.

use serde::{Deserialize, Serialize};

use super::change::OwnersFile;
use super::claims::Claim;
use super::decide::Judge;
use super::people::Directory;
use super::reason::{NoOwners, Reason};

/// Most owners of one pool that a review remembers.
const OWNERS_MAX: usize = 50;
/// Longest path that is remembered beside an owner, in characters.
const PATH_CHARS_MAX: usize = 120;
/// Most handles that a reason names.
const NAMED_MAX: usize = 5;

/// A member of a pool who owns something that the change touches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    pub person: String,
    /// The first changed file that they own.
    pub path: String,
}

impl Judge<'_> {
    /// The members of the claim's pool among the owners of its files; says who they are, or why
    /// there are none. Without a route that follows CODEOWNERS nothing is said.
    pub(super) fn owners_of(&mut self, claim: &Claim, file: OwnersFile) -> Vec<Owner> {
        let Some(handles) = &claim.owners else { return Vec::new() };
        let pool = claim.pool.clone();
        let (owners, outside) = within(self.world.directory, &pool, handles);
        let why = match file {
            OwnersFile::Missing => NoOwners::NoFile,
            OwnersFile::Unusable | OwnersFile::NotAsked => NoOwners::Unusable,
            OwnersFile::Read if handles.is_empty() => NoOwners::Unowned,
            OwnersFile::Read => NoOwners::Outside { handles: outside },
        };
        self.say(match owners.first() {
            None => Reason::NoOwners { pool, why },
            Some(first) => {
                let path = first.path.clone();
                let people = owners.iter().take(NAMED_MAX).map(|owner| owner.person.clone()).collect();
                Reason::Owners { pool, people, path }
            }
        });
        owners
    }

    /// Says that somebody was chosen although others own the files, because none of those can be
    /// asked.
    pub(super) fn say_if_passed(&mut self, part: usize, chosen: &str) {
        let part = &self.review.pools[part];
        let owners = &part.owners;
        if owners.is_empty() || owners.iter().any(|owner| owner.person == chosen) {
            return;
        }
        // Once an owner is asked, the next one to come is no stranger.
        let asked = self.review.active_in(&part.pool).any(|a| owners.iter().any(|o| o.person == a.person));
        if !asked {
            let people = owners.iter().take(NAMED_MAX).map(|owner| owner.person.clone()).collect();
            self.say(Reason::OwnersPassed { pool: part.pool.clone(), people });
        }
    }
}

/// Members of the pool behind the handles, each once, and the first handles that lead to none.
fn within(directory: &Directory, pool: &str, handles: &[(String, String)]) -> (Vec<Owner>, Vec<String>) {
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
        let login = |person: &&super::people::Person| {
            person.account.as_ref().is_some_and(|account| account.login.eq_ignore_ascii_case(handle))
        };
        match self.people().find(login) {
            Some(person) => vec![person.name.as_str()],
            None => self.group(handle).iter().map(String::as_str).collect(),
        }
    }
}
