//! Connections of a loop: begun for a call, established, closed; and what comes of those that fail.

use domain::id::FanId;
use domain::outcome::Outcome;
use domain::time::Time;
use mio::Token;

use super::{LoadLoop, NONE};
use crate::live::connection::{ConnectError, Established};

impl LoadLoop<'_> {
    /// Begins at `at` to connect for the present call of `visitor`.
    pub(super) fn connect(&mut self, visitor: u32, at: Time) {
        let number = self.connections.next_number();
        let token = Token(number as usize);
        match self.dialer.open(self.keeper(visitor, number), at, self.poll.registry(), token) {
            Ok(connection) => {
                self.connections.insert(connection);
                self.holders.resize(self.holders.len().max(number as usize + 1), NONE);
                self.holders[number as usize] = visitor;
                self.visitors[visitor as usize].connection = number;
                self.stamp_call(visitor, at);
            }
            Err(error) => {
                if !error.is_own_fault() {
                    self.stamp_call(visitor, at);
                }
                self.fail_to_connect(visitor, &error);
            }
        }
    }

    /// Whether the connection stands now; if it never will, its operation ends.
    pub(super) fn establish(&mut self, number: u32) -> bool {
        let connection = self.connections.get_mut(number).expect("something happened to it");
        match connection.establish(self.course.clock) {
            Ok(Some(Established { begun, connected, secured, resumed })) => {
                self.meter.connected(begun, connected, secured, resumed);
                true
            }
            Ok(None) => false,
            Err(error) => {
                self.fail_to_connect(self.holders[number as usize], &error);
                false
            }
        }
    }

    /// By which number TLS sessions are remembered: a fan's own, or a place's in the pool.
    fn keeper(&self, visitor: u32, number: u32) -> u64 {
        if self.pool.is_some() {
            return u64::from(number);
        }
        let FanId { population, index } = self.visitors[visitor as usize].fan.id();
        u64::from(population) << 32 | u64::from(index)
    }

    fn fail_to_connect(&mut self, visitor: u32, error: &ConnectError) {
        self.meter.connection_failed(self.course.clock.now(), error.failure());
        self.drop_connection(self.visitors[visitor as usize].connection);
        if error.is_own_fault() {
            self.tally.shed_sockets += 1;
            self.fail(visitor, Outcome::Shed);
        } else {
            self.fail(visitor, Outcome::Error);
        }
    }

    /// Closes a connection, if there is one under that number.
    pub(super) fn drop_connection(&mut self, number: u32) {
        if self.connections.remove(number).is_none() {
            return;
        }
        let holder = std::mem::replace(&mut self.holders[number as usize], NONE);
        if holder != NONE {
            self.visitors[holder as usize].connection = NONE;
        } else if let Some(pool) = &mut self.pool {
            pool.idle.retain(|idle| *idle != number);
        }
    }
}
