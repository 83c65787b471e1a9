//! The face that speaks as Stripe does: form-encoded bodies in, documented objects and errors out.

pub mod form;
