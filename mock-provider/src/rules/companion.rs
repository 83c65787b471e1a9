//! What a reply names and a face may show with it: the cards of payments.
//!
//! They are taken with the reply, at the same instant, and kept with it under its key: a repetition
//! tells of them as they stood then.

use super::Provider;
use super::directory::Object;
use super::intent::Intent;
use super::reply::Reply;
use super::request::{Face, Request};

impl Provider {
    /// What the reply names, each object once; nothing through faces that never show it.
    pub(super) fn companions(&self, request: &Request<'_>, reply: &Reply) -> Vec<Object> {
        let mut found = Vec::new();
        if request.face != Face::Stripe {
            return found;
        }
        match reply {
            Reply::Intent(intent) | Reply::Refund(_, intent) | Reply::Declined { intent, .. } => {
                self.of_intent(intent, &mut found)
            }
            Reply::Intents { page, .. } => {
                page.iter().for_each(|intent| self.of_intent(intent, &mut found));
            }
            _ => {}
        }
        found
    }

    /// The same for a payment that is shown outside of any call.
    pub fn companions_of(&self, intent: &Intent) -> Vec<Object> {
        let mut found = Vec::new();
        self.of_intent(intent, &mut found);
        found
    }

    fn of_intent(&self, intent: &Intent, found: &mut Vec<Object>) {
        let declined = intent.declines.iter().chain(&intent.last_decline);
        for number in declined.filter_map(|decline| decline.method).chain(intent.method) {
            if let Ok(method) = self.directory.method(&intent.account, number) {
                let object = Object::Method(method.clone());
                if !found.contains(&object) {
                    found.push(object);
                }
            }
        }
    }
}
