//! The steady state of a plain queue, out of one long run: what was counted goes into blocks, the
//! warm-up is cut off (MSER-5), and batch means of the rest give each figure its confidence.

mod batch;
mod flow;
mod warm_up;

pub use flow::{Flow, State};

use std::ops::AddAssign;

/// How many arrivals the first blocks hold: the 5 of MSER-5.
const ARRIVALS: u64 = 5;
/// How many blocks are kept; beyond, two of them become one.
const BLOCKS_MAX: usize = 1 << 16;

/// What was counted and summed up while a number of customers came.
#[derive(Copy, Clone, Debug, Default, PartialEq)]
struct Block {
    /// Who came.
    arrived: f64,
    /// Who was turned away.
    blocked: f64,
    /// Who gave up.
    abandoned: f64,
    /// Who was served to the end.
    served: f64,
    /// Whose wait ended.
    waits: f64,
    /// How long they waited \[s\].
    waited_s: f64,
    /// Who left, served or not.
    stays: f64,
    /// How long they were there \[s\].
    stayed_s: f64,
    /// How long the block lasted \[s\].
    lasted_s: f64,
    /// Who waited, over time \[customers × s\].
    waiting_s: f64,
    /// Who was there, over time \[customers × s\].
    present_s: f64,
    /// The share of servers that were busy, over time \[s\].
    busy_s: f64,
}

impl AddAssign<&Self> for Block {
    fn add_assign(&mut self, other: &Self) {
        self.arrived += other.arrived;
        self.blocked += other.blocked;
        self.abandoned += other.abandoned;
        self.served += other.served;
        self.waits += other.waits;
        self.waited_s += other.waited_s;
        self.stays += other.stays;
        self.stayed_s += other.stayed_s;
        self.lasted_s += other.lasted_s;
        self.waiting_s += other.waiting_s;
        self.present_s += other.present_s;
        self.busy_s += other.busy_s;
    }
}

/// Blocks of as many arrivals each, however long the run is, in flat memory.
#[derive(Debug)]
struct Blocks {
    done: Vec<Block>,
    current: Block,
    arrivals: u64,
}

impl Blocks {
    fn new() -> Self {
        Self { done: Vec::new(), current: Block::default(), arrivals: ARRIVALS }
    }

    /// Closes the current block if as many came as it holds.
    fn close_if_full(&mut self) {
        if self.current.arrived < self.arrivals as f64 {
            return;
        }
        self.done.push(std::mem::take(&mut self.current));
        if self.done.len() == BLOCKS_MAX {
            self.done = sums(&self.done, 2);
            self.arrivals *= 2;
        }
    }
}

/// Each `count` blocks as one; what is left over at the end is left out.
fn sums(blocks: &[Block], count: usize) -> Vec<Block> {
    let sum = |few: &[Block]| {
        few.iter().fold(Block::default(), |mut sum, block| {
            sum += block;
            sum
        })
    };
    blocks.chunks_exact(count).map(sum).collect()
}
