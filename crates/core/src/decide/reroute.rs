//! Routes are read anew when a push, a label or the target branch changes what they look at.

use jiff::SignedDuration;

use super::assign::is_ours;
use super::draft::{Draft, later};
use crate::choose::route::{Claim, Claims, FilesRead, RouteFacts};
use crate::model::action::Action;
use crate::model::change::OwnersFile;
use crate::model::reason::Reason;
use crate::model::review::{PoolReview, Reroute};

/// So long after the last push of a burst its files are read, once.
const BURST_ENDS_AFTER: SignedDuration = SignedDuration::from_mins(1);

impl Draft<'_> {
    pub(super) fn route_facts<'f>(&'f self, read: Option<FilesRead<'f>>) -> RouteFacts<'f> {
        RouteFacts {
            change: &self.review.change,
            target_branch: &self.review.seen.target_branch,
            labels: self.world.policy.labels_on(&self.review),
            files: read.map(|read| read.files),
        }
    }

    /// Sees whether other routes claim a change that pools have already; where they look at files, these are
    /// read once a burst of pushes is over. Where a person sent it, it stays.
    pub(super) fn route_again(&mut self, rerouted: bool) -> Option<Action> {
        if self.review.said.pool_at.is_some() {
            return None;
        }
        let head = self.review.seen.head.clone();
        let facts = self.route_facts(None);
        let (claims, admitted) = (self.world.policy.claims(&facts), self.world.policy.admitted_print(&facts));
        let planned = &mut self.review.planned;
        // Routed by an earlier version, which did not note it.
        planned.routed_by.get_or_insert(admitted);
        if planned.routed_head.is_none() {
            planned.routed_head.clone_from(&head);
        }
        let codeowners = match claims {
            Claims::NeedFiles { codeowners } => codeowners,
            Claims::Pools(claims) => {
                planned.reroute = None;
                planned.routed_head = head;
                if planned.routed_by.replace(admitted) != Some(admitted) && rerouted {
                    self.claim_again(claims, OwnersFile::NotAsked);
                }
                return None;
            }
        };
        let other_routes = rerouted && planned.routed_by != Some(admitted);
        if !other_routes && planned.routed_head == head {
            planned.reroute = None;
            return None;
        }
        let over = later(self.world.now, BURST_ENDS_AFTER);
        let planned = &mut self.review.planned;
        let waits = planned.reroute.take_if(|waits| waits.head == head);
        let waits = waits.unwrap_or(Reroute { head: head.clone(), at: over });
        if !other_routes && waits.at > self.world.now {
            planned.reroute = Some(waits);
            return None;
        }
        (planned.routed_head, planned.routed_by) = (head, Some(admitted));
        self.say(if codeowners { Reason::ReadingOwners } else { Reason::ReadingFiles });
        let branch = codeowners.then(|| self.review.seen.target_branch.clone());
        Some(self.read_files(branch))
    }

    /// What the files that were read say of a change that pools have already.
    pub(super) fn claim_by_files(&mut self, read: FilesRead<'_>) {
        if self.review.said.pool_at.is_some() {
            return;
        }
        let facts = self.route_facts(Some(read));
        if let Claims::Pools(claims) = self.world.policy.claims(&facts) {
            self.review.planned.reroute = None;
            self.review.planned.routed_head = self.review.seen.head.clone();
            self.claim_again(claims, read.codeowners);
        }
    }

    /// Notes by which routes and with which commits the change was routed.
    pub(super) fn note_routed(&mut self) {
        let admitted = self.world.policy.admitted_print(&self.route_facts(None));
        let planned = &mut self.review.planned;
        (planned.routed_head, planned.routed_by) = (self.review.seen.head.clone(), Some(admitted));
        planned.reroute = None;
    }

    /// A pool of which nobody has answered, and for which no person chose anybody, loses a change that its
    /// routes claim no longer. Others are only added, as many as a change may have.
    fn claim_again(&mut self, mut claims: Vec<Claim>, file: OwnersFile) {
        claims.retain(|claim| self.world.policy.pool(&claim.pool).is_some());
        if claims.is_empty() {
            return;
        }
        let before: Vec<String> = self.review.planned.pools.iter().map(|part| part.pool.clone()).collect();
        let mut old = std::mem::take(&mut self.review.planned.pools);
        let stays = |part: &PoolReview| claims.iter().any(|claim| claim.pool == part.pool);
        let (mut parts, mut room) = (Vec::new(), self.world.policy.limits.max_pools);
        old.retain(|part| stays(part) || self.is_theirs(&part.pool));
        room = room.saturating_sub(old.iter().filter(|part| !stays(part)).count());
        for claim in claims {
            let owners = self.owners_of(&claim, file);
            let known = old.iter().position(|part| part.pool == claim.pool).map(|place| old.remove(place));
            let (lines, route) = (claim.lines, Some(claim.route));
            match known {
                Some(part) if file == OwnersFile::NotAsked => {
                    parts.push(PoolReview { lines, route, ..part });
                }
                Some(part) => parts.push(PoolReview { lines, route, owners, ..part }),
                None if parts.len() < room => {
                    let part = self.review.new_part(claim.pool, lines);
                    parts.push(PoolReview { route, owners, ..part });
                }
                None => {}
            }
        }
        parts.extend(old);
        self.review.planned.pools = parts;
        let after = self.review.planned.pools.iter().map(|part| part.pool.clone());
        let after: Vec<String> = after.collect();
        if after != before {
            self.say(Reason::Routed { pools: after });
            self.leave_lost_pools();
        }
    }

    /// Whether the pool is at work on the change: somebody of it has answered, or a person chose them.
    fn is_theirs(&self, pool: &str) -> bool {
        let mut active = self.review.active_in(pool);
        active.any(|own| own.accepted || self.review.has_answered(own) || !is_ours(own))
    }
}
