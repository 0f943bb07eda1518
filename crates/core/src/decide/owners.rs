//! What is said of the owners of changed files.

use super::draft::Draft;
use crate::choose::owners::{NAMED_MAX, within};
use crate::choose::route::Claim;
use crate::model::change::OwnersFile;
use crate::model::owner::Owner;
use crate::model::reason::{NoOwners, Reason};

impl Draft<'_> {
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
    pub(super) fn say_if_passed(&mut self, pool: &str, chosen: &str) {
        let Some(part) = self.part(pool) else { return };
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
