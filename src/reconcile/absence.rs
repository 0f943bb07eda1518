//! Who of the pools' members is busy, asked whenever the roster was read. Nice to know and no more:
//! what goes wrong here fails no other duty, and then what was known before stays, for as long as it
//! counts.

use jiff::SignedDuration;

use super::context::{DutyContext, SweepError};
use super::pace::{Duty, DutyTurn};
use usher_core::model::people::Directory;

/// So long others wait for the answer, once it is known who is who.
const PATIENCE: SignedDuration = SignedDuration::from_secs(5);

pub(super) struct AbsenceDuty {
    context: DutyContext,
    /// How often the roster had been read when it was asked last.
    asked_for: u64,
}

impl AbsenceDuty {
    pub(super) fn new(context: DutyContext) -> AbsenceDuty {
        AbsenceDuty { context, asked_for: 0 }
    }

    /// Asks, if the roster was read since; then it is known who is who, and who is there.
    pub(super) async fn read(&mut self) -> Result<DutyTurn, SweepError> {
        let DutyContext { client, store, shared, clock, signals, .. } = &self.context;
        let name = client.name();
        let read = *signals.roster.borrow();
        let known = shared.snapshot();
        let Some(forge) = known.forge(name).filter(|_| read != self.asked_for) else {
            return Ok(DutyTurn::Idle);
        };
        let members = Directory::new(&known.policy, name, &forge.roster).pool_accounts();
        let members = Vec::from_iter(members);
        let mut asking = std::pin::pin!(client.busy(&members));
        let answer = tokio::select! {
            biased;
            answer = &mut asking => answer,
            () = clock.sleep_until(clock.now() + PATIENCE) => {
                self.tell();
                asking.await
            }
        };
        self.asked_for = read;
        let (busy, fault) = match answer {
            Ok(busy) => (busy, None),
            Err(fault) => {
                tracing::warn!(forge = name, %fault, "who is busy could not be read; the last word stays for a while");
                let now = clock.now();
                let before = forge.roster.busy.iter().filter(|(_, busy)| busy.counts(now));
                (before.map(|(id, busy)| (*id, *busy)).collect(), Some(fault.to_string()))
            }
        };
        shared.learn_busy(name, &busy, fault.as_deref());
        let kept = store.save_busy(name, &busy, fault.as_deref()).await;
        self.tell();
        kept?;
        Ok(DutyTurn::Done)
    }

    /// What waited for the roster goes on.
    fn tell(&self) {
        self.context.wakeups.inbox.wake();
        self.context.signals.people.wake();
    }
}

impl Duty for AbsenceDuty {
    const NAME: &'static str = "reading who is busy";

    async fn turn(&mut self, _woken: bool) -> Result<DutyTurn, SweepError> {
        self.read().await
    }
}
