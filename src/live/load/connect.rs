//! Connections of a loop: begun for a call, established, closed; and what comes of those that fail.

use domain::id::FanId;
use domain::outcome::Outcome;
use domain::time::Time;
use mio::Token;

use super::{LoadLoop, NONE};
use crate::live::connection::{ConnectError, Established};

impl LoadLoop<'_> {
    /// Begins at `at` to connect to `host` for the present call of `visitor`.
    pub(super) fn connect(&mut self, visitor: u32, host: usize, at: Time) {
        let number = self.connections.next_number();
        let token = Token(number as usize);
        let keeper = self.keeper(visitor, number);
        match self.dialer.open((host, keeper), at, self.poll.registry(), token) {
            Ok(connection) => {
                self.connections.insert(connection);
                if let Some(pool) = &mut self.pool {
                    pool.line(host).open += 1;
                }
                self.holders.resize(self.holders.len().max(number as usize + 1), NONE);
                self.holders[number as usize] = visitor;
                self.visitors[visitor as usize].connection = number;
                self.stamp_call(visitor, at);
            }
            Err(error) => {
                if !error.is_own_fault() {
                    self.stamp_call(visitor, at);
                }
                self.fail_to_connect(visitor, host, &error);
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
                let host = connection.host();
                self.fail_to_connect(self.holders[number as usize], host, &error);
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

    /// No connection came to stand: another address of the host is tried, or the operation ends.
    fn fail_to_connect(&mut self, visitor: u32, host: usize, error: &ConnectError) {
        let now = self.course.clock.now();
        self.meter.connection_failed(now, error.failure());
        self.drop_connection(self.visitors[visitor as usize].connection);
        if error.is_own_fault() {
            self.tally.shed_sockets += 1;
            return self.fail(visitor, Outcome::Shed);
        }
        let addresses = self.dialer.pass_over(host);
        if self.tries_again(visitor, addresses) {
            return self.connect(visitor, host, now);
        }
        self.fail(visitor, Outcome::Error);
    }

    /// Closes a connection, if there is one under that number.
    pub(super) fn drop_connection(&mut self, number: u32) {
        let Some(connection) = self.connections.remove(number) else { return };
        let host = connection.host();
        let holder = std::mem::replace(&mut self.holders[number as usize], NONE);
        if let Some(pool) = &mut self.pool {
            let line = pool.line(host);
            line.open -= 1;
            if holder == NONE {
                line.idle.retain(|idle| *idle != number);
            }
        }
        if holder == NONE {
            return;
        }
        let present = &mut self.visitors[holder as usize].connection;
        if *present == number {
            *present = NONE;
        } else {
            self.aside.remove(&(holder, host));
        }
    }

    /// Lets the fan hold a connection to `host` that stands already, its own or an idle one, if
    /// there is one; what it holds to another host is set aside.
    pub(super) fn take_connection(&mut self, visitor: u32, host: usize) -> bool {
        let present = self.visitors[visitor as usize].connection;
        if let Some(connection) = self.connections.get(present) {
            if connection.host() == host {
                return true;
            }
            self.set_aside(visitor, present, connection.host());
        }
        let found = match &mut self.pool {
            Some(pool) => pool.line(host).idle.pop(),
            // A fan of one host, as most are, has nothing aside.
            None if self.aside.is_empty() => None,
            None => self.aside.remove(&(visitor, host)),
        };
        let Some(number) = found else { return false };
        self.holders[number as usize] = visitor;
        self.visitors[visitor as usize].connection = number;
        true
    }

    /// Lets go of a connection to `host` until the fan, or of a pool anybody, needs it again.
    pub(super) fn set_aside(&mut self, visitor: u32, number: u32, host: usize) {
        self.visitors[visitor as usize].connection = NONE;
        if let Some(pool) = &mut self.pool {
            self.holders[number as usize] = NONE;
            pool.line(host).idle.push(number);
        } else {
            self.aside.insert((visitor, host), number);
        }
    }

    /// Closes all connections that a fan holds.
    pub(super) fn drop_connections(&mut self, visitor: u32) {
        self.drop_connection(self.visitors[visitor as usize].connection);
        if self.aside.is_empty() {
            return;
        }
        for host in 0..self.dialer.hosts() {
            if let Some(number) = self.aside.get(&(visitor, host)) {
                self.drop_connection(*number);
            }
        }
    }
}
