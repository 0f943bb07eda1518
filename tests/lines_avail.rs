//! Lines about who is there: forges that show somebody as busy, and words said on other changes.

use usher_core::decide;
use usher_core::model::absence::Busy;
use usher_core::model::change::{ChangeKey, ForgeKind};
use usher_core::model::fact::Fact;
use usher_core::model::review::Review;
use usher_core::model::world::World;

use super::{PROJECT, Story, Told, fit, moment, person};

impl Story {
    pub(super) fn given_presence(&mut self, line: &str) -> Option<Told> {
        let play = &mut self.play;
        let company = &mut play.company;
        let says = company.policy.forges[0].kind;
        let (now, until) = (play.now, None);
        if line == "the forges no longer tell who is busy" {
            company.statuses_stopped = true;
            return Some(Ok(()));
        }
        if let Some([who]) = fit("{} shows as busy on the other forge", line) {
            let says = if says == ForgeKind::GitLab { ForgeKind::GitHub } else { ForgeKind::GitLab };
            company.busy_elsewhere.insert(who.to_owned(), Busy { says, until, seen_at: now });
            return Some(person(who).map(drop));
        }
        if let Some([who]) = fit("{} no longer shows as busy", line) {
            company.busy_elsewhere.remove(who);
            return Some(person(who).map(|who| company.roster.busy.retain(|id, _| *id != who.id)));
        }
        let (who, until) = match fit("{} shows as busy until {}", line) {
            Some([who, when]) => match moment(when, now) {
                Some((until, _)) => (who, Some(until)),
                None => return Some(Err(format!("`{when}` is no time"))),
            },
            None => (fit::<1>("{} shows as busy", line)?[0], None),
        };
        let busy = Busy { says, until, seen_at: now };
        Some(person(who).map(|who| company.roster.busy.extend([(who.id, busy)])))
    }

    /// `on another change rita says @usher away until 2026-12-01`: the word holds here as well.
    pub(super) fn says_elsewhere(&mut self, line: &str) -> Option<Told> {
        let (who, text) = line.strip_prefix("on another change ")?.split_once(" says ")?;
        let play = &mut self.play;
        let who = match person(who) {
            Ok(who) => who,
            Err(why) => return Some(Err(why)),
        };
        // Said on a copy of the change, of which this one learns nothing.
        for fact in play.forge.clone().said(play.now, &who, text) {
            let workloads = play.workloads();
            let world = World {
                policy: &play.company.policy,
                directory: &play.directory,
                workloads: &workloads,
                first_seen: play.company.first_seen,
                now: play.now,
            };
            let other = Review::new(ChangeKey::new("forge", PROJECT, 8));
            let Some(wish) = decide(&world, &other, &fact).absence else {
                return Some(Err("that is no word on an absence".into()));
            };
            play.enter(&wish);
        }
        play.tell(Fact::Tick);
        Some(Ok(()))
    }
}
