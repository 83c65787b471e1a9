//! A station: servers, a bounded queue, a service law.
