//! What a fault breaks.

use super::*;

#[test]
fn two_who_read_the_same_counter_both_buy() {
    let mut settings = settings(1, 10);
    settings.shop.inventory = Inventory::NaiveCounter;
    let mut world = world_of(settings, Saga::AuthorizeFirst, &[], &[]);
    let both = [1, 2].map(|fan| world.buy(checkout(fan, 0, 1)));
    world.pass(20);
    assert_eq!(both.map(|ticket| world.answers[&ticket].outcome), [Outcome::Ok, Outcome::Ok]);
    assert_eq!(world.pieces(), (-1, 0, 2));
    assert_eq!(world.bought(checkout(3, 0, 1)).outcome, Outcome::SoldOut);
}

#[test]
fn each_fault_breaks_its_promise() {
    use Fault::{
        CaptureWithoutStock, ConfirmWithoutCapture, DoubleCharge, EarlySoldOut, LeakUnits,
        LostVoid, Oversell, OversellSlots, StrandOnDecline,
    };
    for saga in [Saga::AuthorizeFirst, Saga::ReserveFirst] {
        let decline = [(Mood::Decline, 100)];
        let run = |fault, stock, capacity, moods: &[_], fans: u32| {
            let mut world = world_of(settings(stock, capacity), saga, &[fault], moods);
            let tickets: Vec<_> = (0..fans).map(|fan| world.buy(checkout(fan, 0, 1))).collect();
            world.pass(100);
            assert_eq!(world.pending(), 0);
            let ok = |ticket: &&Ticket| world.answers[*ticket].outcome == Outcome::Ok;
            (tickets.iter().filter(ok).count(), world)
        };
        assert_eq!(run(Oversell, 20, 100, &[], 40).0, 22);
        assert_eq!(run(OversellSlots, 100, 20, &[], 40).0, 22);
        assert_eq!(run(EarlySoldOut, 20, 100, &[], 40).0, 18);
        assert_eq!(run(StrandOnDecline, 5, 100, &decline, 1).1.pieces(), (4, 1, 0));
        let (sold, world) = run(LeakUnits, 20, 100, &[], 40);
        assert_eq!((sold, world.pieces()), (18, (0, 0, 18)));
        let (sold, world) = run(CaptureWithoutStock, 1, 100, &[], 2);
        assert_eq!((sold, world.pieces()), (2, (0, 0, 1)));
        let (sold, world) = run(ConfirmWithoutCapture, 5, 100, &[], 1);
        assert_eq!((sold, world.bank.count("0-0", Money::Reserved)), (1, 1));
        assert_eq!(run(DoubleCharge, 5, 100, &[], 1).1.bank.count("0-0", Money::Taken), 2);
        let (_, world) = run(LostVoid, 5, 100, &[WELL, LIMIT], 1);
        assert_eq!(world.bank.count("0-0", Money::Reserved), 1);
    }
}
