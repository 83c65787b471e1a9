//! What a fan reads in an HTTP answer of the shop: pure, bytes in, [`Reply`] out.

use domain::outcome::Outcome;
use domain::shop::ShopReply;

use crate::fan::Reply;
use crate::live::http::Head;
use crate::step::rule::by_status;

/// The reply in an answer of the shop: by its JSON body where that is a [`ShopReply`] that agrees
/// with the status, otherwise by the status alone (as for a page's part, whose body is not kept).
/// `now_utc_ns` is when it came, for a `Retry-After` that is a date.
pub(super) fn read(head: &Head, body: &[u8], now_utc_ns: u64) -> Reply {
    let asked = head.retry_after.map(|asked| asked.wait(now_utc_ns));
    match shop_reply(head.status, body) {
        Some(reply) => Reply {
            outcome: as_heard(reply.outcome),
            retry_after: asked.or_else(|| reply.retry_after()),
            short: reply.short,
            items: reply.items,
            slots: reply.slots,
            then: None,
        },
        None => Reply { retry_after: asked, ..Reply::of(by_status(head.status, asked)) },
    }
}

fn shop_reply(status: u16, body: &[u8]) -> Option<ShopReply> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return None;
    }
    let reply: ShopReply = serde_json::from_slice(body).ok()?;
    (ShopReply::status(reply.outcome) == status).then_some(reply)
}

/// `unknown` and `shed` are what a fan concludes, never what a shop can say.
const fn as_heard(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Unknown | Outcome::Shed => Outcome::Error,
        told => told,
    }
}

#[cfg(test)]
mod tests {
    use domain::shop::Short;
    use domain::time::Duration;

    use super::*;
    use crate::live::http::RetryAfter;

    fn head(status: u16, retry_after: Option<u64>) -> Head {
        Head { status, retry_after: retry_after.map(RetryAfter::Seconds), keep_alive: true }
    }

    fn outcome(status: u16, retry_after: Option<u64>) -> Outcome {
        read(&head(status, retry_after), b"<html>", 0).outcome
    }

    #[test]
    fn every_reply_of_the_shop_is_read_back() {
        for told in Outcome::ALL {
            let reply = ShopReply {
                retry_after_s: Some(3),
                short: Some(Short::Slot),
                items: Some(0b101),
                slots: Some(u64::MAX),
                ..ShopReply::of(told)
            };
            let body = serde_json::to_vec(&reply).unwrap();
            let heard = read(&head(ShopReply::status(told), None), &body, 0);
            let expected = Reply {
                outcome: as_heard(told),
                retry_after: Some(Duration::from_secs(3)),
                short: Some(Short::Slot),
                items: Some(0b101),
                slots: Some(u64::MAX),
                then: None,
            };
            assert_eq!(heard, expected);
        }
    }

    #[test]
    fn every_outcome_is_understood_by_its_status_alone() {
        for told in Outcome::ALL {
            assert_eq!(outcome(ShopReply::status(told), None), as_heard(told));
        }
    }

    #[test]
    fn statuses_nobody_agreed_on_are_read_by_their_class() {
        assert_eq!(outcome(204, None), Outcome::Ok);
        assert_eq!(outcome(302, None), Outcome::Rejected);
        assert_eq!(outcome(404, None), Outcome::Rejected);
        assert_eq!(outcome(502, None), Outcome::Error);
        assert_eq!(outcome(503, None), Outcome::Error);
        assert_eq!(outcome(503, Some(1)), Outcome::RateLimited);
        assert_eq!(outcome(999, None), Outcome::Error);
    }

    #[test]
    fn a_body_that_contradicts_its_status_is_not_believed() {
        let body = serde_json::to_vec(&ShopReply::of(Outcome::Ok)).unwrap();
        assert_eq!(read(&head(500, None), &body, 0), Reply::of(Outcome::Error));
    }
}
