//! Webhooks: attaching them, and sending what waits. Nothing is sent by itself: a driver decides when,
//! and in which order.

use super::Sandbox;
use crate::webhooks::{DeliveryOutcome, SignedRequest, settle, take_next};
use crate::world::{Delivery, Forge, HookTarget, NewHook, digest};

/// Attaching.
impl Sandbox {
    /// Attaches a webhook and returns its id. GitHub sends a `ping` at once, as the real one does.
    pub fn add_hook(&self, forge: Forge, target: HookTarget, new: NewHook) -> u64 {
        self.act(|state| state.attach(forge, target, new))
    }

    /// A webhook as it is, secrets included; `None` if it is gone.
    pub fn hook(&self, id: u64) -> Option<NewHook> {
        self.forges().state.hooks.get(&id).map(|hook| hook.new.clone())
    }

    /// The ids of all webhooks of a target.
    pub fn hooks_at(&self, forge: Forge, target: &HookTarget) -> Vec<u64> {
        let state = &self.forges().state;
        let here = state.hooks.values().filter(|hook| hook.forge == forge && hook.target == *target);
        here.map(|hook| hook.id).collect()
    }

    /// Detaches a webhook.
    pub fn remove_hook(&self, id: u64) {
        self.forges().state.hooks.remove(&id);
    }

    /// GitLab's `alert_status` of a hook: `executable`, `temporarily_disabled` or `disabled`.
    pub fn hook_status(&self, id: u64) -> Option<&'static str> {
        let state = &self.forges().state;
        state.hooks.get(&id).map(|hook| hook.alert_status(state.now(Forge::Gitlab)))
    }
}

/// Sending.
impl Sandbox {
    /// How many webhook requests wait to be sent.
    pub fn pending(&self) -> usize {
        self.forges().state.deliveries.queue.len()
    }

    /// Sends what is queued, in order, one at a time, including what gets queued meanwhile. The
    /// receiver has 10 s for each. No retries: neither forge has any.
    pub async fn deliver_pending(&self) -> Vec<DeliveryOutcome> {
        let mut outcomes = Vec::new();
        while let Some(request) = self.take_one() {
            let status = self.send(&request).await;
            let SignedRequest { forge, event, delivery_id, .. } = request;
            outcomes.push(DeliveryOutcome { forge, event, delivery_id, status });
        }
        outcomes
    }

    /// Takes all queued requests out, signed as of now, to be sent by hand with [`Sandbox::send`] or
    /// any other client, in any order, as often as wanted.
    pub fn take_pending(&self) -> Vec<SignedRequest> {
        std::iter::from_fn(|| self.take_one()).collect()
    }

    fn take_one(&self) -> Option<SignedRequest> {
        let forges = &mut *self.forges();
        let request = take_next(&mut forges.state)?;
        if let Some(recording) = &mut forges.recording {
            let hook = forges.state.hooks.get(&request.hook).map(|hook| &hook.new);
            recording.webhook(&request, hook, forges.state.now(request.forge));
        }
        Some(request)
    }

    /// Sends one request and returns the receiver's status, `None` if there was no answer in 10 s.
    /// A sandbox without a network reaches nobody.
    pub async fn send(&self, request: &SignedRequest) -> Option<u16> {
        let status = match self.sockets() {
            Some(sockets) => sockets.send(request).await,
            None => None,
        };
        self.settle(request, status);
        status
    }

    /// Tells the forge how a request ended that somebody else has sent: the receiver's status, `None`
    /// if there was no answer.
    pub fn settle(&self, request: &SignedRequest, status: Option<u16>) {
        settle(&mut self.forges().state, request, status);
    }
}

/// What may happen to webhook requests on their way.
impl Sandbox {
    /// The forge will lose its next `count` webhook requests without a trace.
    pub fn lose_next(&self, forge: Forge, count: u32) {
        self.forges().state.deliveries.lose_next(forge, count);
    }

    /// Every queued request will be sent twice, under the same id.
    pub fn duplicate_pending(&self) {
        let queue = &mut self.forges().state.deliveries.queue;
        *queue = queue.iter().flat_map(|delivery| [delivery.clone(), delivery.clone()]).collect();
    }

    /// Every queued request will be sent again under a new id, as if two hooks were subscribed.
    pub fn duplicate_pending_under_new_ids(&self) {
        let state = &mut self.forges().state;
        let mut twice = Vec::new();
        for delivery in std::mem::take(&mut state.deliveries.queue) {
            let copy = Delivery { id: state.ids.uuid(), ..delivery.clone() };
            twice.extend([delivery, copy]);
        }
        state.deliveries.queue = twice.into();
    }

    /// Queued requests will be sent in the opposite order.
    pub fn reverse_pending(&self) {
        self.forges().state.deliveries.queue.make_contiguous().reverse();
    }

    /// Queued requests will be sent in an order that depends on the seed alone.
    pub fn shuffle_pending(&self, seed: u64) {
        let queue = &mut self.forges().state.deliveries.queue;
        let mut numbered: Vec<_> = std::mem::take(queue).into_iter().enumerate().collect();
        numbered.sort_by_cached_key(|(at, _)| digest(&format!("{seed} {at}")));
        *queue = numbered.into_iter().map(|(_, delivery)| delivery).collect();
    }

    /// Queues a past delivery again under the id it had: GitHub's redelivery, GitLab's resend (which
    /// gets a new event UUID). `false` if no such delivery is remembered.
    pub fn redeliver(&self, delivery_id: &str) -> bool {
        let state = &mut self.forges().state;
        let Some(delivery) = state.deliveries.sent(delivery_id).cloned() else { return false };
        let event_uuid = state.ids.uuid();
        state.deliveries.queue.push_back(Delivery { event_uuid, ..delivery });
        true
    }
}
