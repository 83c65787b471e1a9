//! What each invariant means to a person: its name, what its violation says, what to do about it.

/// An invariant in words.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Explanation {
    /// `INV-OVERSELL` and so on.
    pub(super) id: &'static str,
    /// Its violation as a clause: "the shop sold more than it had".
    pub(super) violated: &'static str,
    /// Where to look and what usually cures it.
    pub(super) cure: &'static str,
}

/// The explanation of the invariant `id`; one that says little where the invariant is not known.
pub(super) fn explain(id: &str) -> &'static Explanation {
    EXPLANATIONS.iter().find(|explanation| explanation.id == id).unwrap_or(&UNKNOWN)
}

const UNKNOWN: Explanation = Explanation {
    id: "",
    violated: "an invariant was violated",
    cure: "Follow the witness through the ledgers in the run's folder.",
};

/// Every invariant of the audit, in the order of its families: stock, payments, flow, fairness.
const EXPLANATIONS: [Explanation; 20] = [
    Explanation {
        id: "INV-CONSERVE",
        violated: "pieces appeared or vanished",
        cure: "Change free, reserved and sold pieces in one transaction, so that their sum stays.",
    },
    Explanation {
        id: "INV-OVERSELL",
        violated: "the shop sold more than it had",
        cure: "Make the check and the decrement one atomic step: a guarded update, a row lock, or \
               one row per unit.",
    },
    Explanation {
        id: "INV-STRANDED",
        violated: "stock stayed reserved for orders that were never paid",
        cure: "Release the reservation when a payment fails, and sweep reservations that have \
               outlived their time to live.",
    },
    Explanation {
        id: "INV-UNDERSOLD",
        violated: "stock was left while fans who wanted it went away empty-handed",
        cure: "Look at what turned them away: slow or failing steps at the tier that broke first, \
               payment refusals at an admission in front of checkout, a false `sold_out` at how the \
               count is read.",
    },
    Explanation {
        id: "INV-PERUSER",
        violated: "a fan bought more than the limit per fan",
        cure: "Check the limit in the transaction that sells, not in the cart.",
    },
    Explanation {
        id: "INV-ORPHAN-AUTH",
        violated: "authorizations were left open without an order",
        cure: "Admit no more orders per second than the provider can both authorize and capture, \
               and retry voids until they are answered.",
    },
    Explanation {
        id: "INV-DOUBLE-CHARGE",
        violated: "a fan paid twice for one purchase",
        cure: "Send one idempotency key per purchase through every retry, to the shop and on to \
               the provider.",
    },
    Explanation {
        id: "INV-CAPTURED-NO-STOCK",
        violated: "money was taken for pieces that were not sold",
        cure: "Capture only after the pieces are secured, and void or refund when they are not. A \
               call that was not answered may have taken effect: ask again under its key until it \
               is known.",
    },
    Explanation {
        id: "INV-STOCK-NO-CAPTURE",
        violated: "pieces were sold without the money",
        cure: "Mark an order as paid only when the capture is confirmed.",
    },
    Explanation {
        id: "INV-SILENT-CHARGE",
        violated: "fans paid who were told that they had not bought",
        cure: "Settle a checkout that timed out before answering, or tell the fan afterwards.",
    },
    Explanation {
        id: "INV-PHANTOM-SALE",
        violated: "fans were told that they have bought what they have not",
        cure: "Say that it is bought only of an order that is paid, and read that from where the \
               order stands; keep a cart from adding up when a request is repeated.",
    },
    Explanation {
        id: "INV-EARLY",
        violated: "the shop sold before its announced opening",
        cure: "Open by the clock of the machine that takes the order, kept by NTP, not by a cache or \
               a page's script.",
    },
    Explanation {
        id: "INV-RESOLVED",
        violated: "orders that saw a timeout or a failure never learned the provider's truth",
        cure: "Ask the provider again, under the same idempotency key, until each is settled.",
    },
    Explanation {
        id: "INV-QUOTA",
        violated: "the shop called the provider more often than it may",
        cure: "Put admission in front of checkout, below the provider's rate divided by the calls \
               per order.",
    },
    Explanation {
        id: "INV-PHANTOM-SOLDOUT",
        violated: "fans were told `sold_out` while pieces were free",
        cure: "Check again with a blocking read before saying that it is sold out.",
    },
    Explanation {
        id: "INV-STALE-SOLDOUT",
        violated: "pages spoke of an availability that had long changed",
        cure: "Shorten the time to live of what speaks of availability, or purge it on change.",
    },
    Explanation {
        id: "INV-RESURRECT",
        violated: "pieces came back after fans had been told that it was sold out",
        cure: "Authorize before reserving, or say `waiting` while reservations may still return.",
    },
    Explanation {
        id: "INV-RESURRECT-FAIR",
        violated: "pieces that came back went to late comers",
        cure: "Offer returned pieces to those first who were refused first.",
    },
    Explanation {
        id: "INV-FIFO",
        violated: "later fans were served before earlier ones",
        cure: "Queue at one place; several queues without a common order overtake each other.",
    },
    Explanation {
        id: "INV-ISOLATION",
        violated: "one sale's spike slowed another",
        cure: "Give each sale its own limits at the tiers they share.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_invariant_is_explained_once() {
        let mut ids: Vec<&str> = EXPLANATIONS.iter().map(|explanation| explanation.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), EXPLANATIONS.len());
        assert!(ids.iter().all(|id| explain(id).id == *id));
    }

    #[test]
    fn an_unknown_invariant_still_has_a_sentence() {
        assert_eq!(explain("INV-NEW"), &UNKNOWN);
    }
}
