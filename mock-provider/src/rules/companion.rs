//! What a reply names and a face may show with it: cards and customers.
//!
//! They are taken with the reply, at the same instant, and kept with it under its key: a repetition
//! tells of them as they stood then.

use std::sync::Arc;

use super::Provider;
use super::directory::Object;
use super::event::About;
use super::intent::Intent;
use super::reply::{Fault, Reply};
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
                self.of_intent(intent, &mut found);
            }
            Reply::Intents { page, .. } => {
                for intent in page {
                    self.of_intent(intent, &mut found);
                }
            }
            Reply::Object(object) => self.of_object(object, &mut found),
            Reply::Objects { page, .. } => {
                for object in page {
                    self.of_object(object, &mut found);
                }
            }
            Reply::SetupDeclined { setup, .. }
            | Reply::Refused(Fault::SetupState { setup, .. }) => {
                self.of_object(&Object::Setup(Arc::clone(setup)), &mut found);
            }
            Reply::Refunds { page, .. } => {
                for (_, intent) in page {
                    self.of_intent(intent, &mut found);
                }
            }
            _ => {}
        }
        found
    }

    /// The same for what an event is about.
    pub(super) fn companions_about(&self, about: &About) -> Vec<Object> {
        let mut found = Vec::new();
        match about {
            About::Intent(intent) | About::Refund(_, intent) | About::Charge(intent) => {
                self.of_intent(intent, &mut found);
            }
            About::Object(object) => self.of_object(object, &mut found),
        }
        found
    }

    fn of_intent(&self, intent: &Intent, found: &mut Vec<Object>) {
        let declined = intent.declines.iter().chain(&intent.last_decline);
        for number in declined.filter_map(|decline| decline.method).chain(intent.method) {
            if let Some(method) = self.method_of(intent, number) {
                add(found, Object::Method(Arc::clone(method)));
                self.add_customer(&intent.account, method.customer, found);
            }
        }
        self.add_customer(&intent.account, intent.customer, found);
    }

    fn of_object(&self, object: &Object, found: &mut Vec<Object>) {
        match object {
            Object::Method(method) => self.add_customer(&method.account, method.customer, found),
            Object::Customer(customer) => {
                self.add_method(&customer.account, customer.default_method, found);
            }
            Object::Setup(setup) => {
                let tried = setup.last_fault.as_ref().map(|(_, method)| method);
                for method in setup.method.iter().chain(tried) {
                    self.add_method(&setup.account, Some(method.number), found);
                }
                self.add_customer(&setup.account, setup.customer, found);
            }
            Object::Token(_) | Object::Endpoint(..) | Object::Event(..) => {}
        }
    }

    fn add_customer(&self, account: &str, number: Option<u64>, found: &mut Vec<Object>) {
        if let Some(customer) = number.and_then(|it| self.directory.customer(account, it).ok()) {
            add(found, Object::Customer(Arc::clone(customer)));
            self.add_method(account, customer.default_method, found);
        }
    }

    fn add_method(&self, account: &str, number: Option<u64>, found: &mut Vec<Object>) {
        if let Some(method) = number.and_then(|it| self.directory.method(account, it).ok()) {
            add(found, Object::Method(Arc::clone(method)));
        }
    }
}

fn add(found: &mut Vec<Object>, object: Object) {
    if !found.contains(&object) {
        found.push(object);
    }
}
