//! What is answered at once: before the opening, after the close, about what does not exist, and what is left.

use super::*;

#[test]
fn before_the_opening_and_after_the_close_nothing_is_sold() {
    let mut world = world(Saga::AuthorizeFirst, &[]);
    let status = ShopRequest::Status { sale: 0 };
    let early = world.ask_at(Time::from_millis(9_999), status.clone());
    let order = ShopRequest::Checkout(checkout(1, 0, 1));
    let early_order = world.ask_at(Time::from_millis(9_999), order);
    let open = world.ask_at(Time::from_millis(10_000), status.clone());
    let bought = world.buy(checkout(2, 0, 1));
    world.pass(1_000);
    let late = [
        status,
        ShopRequest::Slots { sale: 0 },
        ShopRequest::Item { item: ItemId(0) },
        ShopRequest::Cart { item: ItemId(0), slot: Some(SlotId(0)), quantity: 1 },
        ShopRequest::Checkout(checkout(1, 0, 1)),
    ]
    .map(|request| world.ask(request));
    let again = world.buy(checkout(2, 0, 1));
    world.pass(1);
    assert_eq!(world.answers[&early].outcome, Outcome::NotOpen);
    assert_eq!(world.answers[&early_order].outcome, Outcome::NotOpen);
    let free = ShopReply { items: Some(1), slots: Some(1), ..ShopReply::of(Outcome::Ok) };
    assert_eq!(world.answers[&open], free);
    for ticket in late {
        assert_eq!(world.answers[&ticket].outcome, Outcome::Rejected);
    }
    assert_eq!(world.answers[&again], world.answers[&bought]);
}

#[test]
fn what_does_not_exist_is_rejected() {
    let mut world = world(Saga::AuthorizeFirst, &[]);
    let mut no_slot = checkout(1, 0, 1);
    no_slot.slot = None;
    let requests = [
        ShopRequest::Page { sale: 9, part: 0 },
        ShopRequest::Status { sale: 9 },
        ShopRequest::Slots { sale: 9 },
        ShopRequest::Item { item: ItemId(9) },
        ShopRequest::Cart { item: ItemId(0), slot: Some(SlotId(9)), quantity: 1 },
        ShopRequest::Checkout(Checkout { item: ItemId(9), ..checkout(1, 0, 1) }),
        ShopRequest::Checkout(Checkout { key: "k".repeat(201), ..checkout(1, 0, 1) }),
        ShopRequest::Checkout(no_slot),
        ShopRequest::Order { key: "nobody".to_owned() },
    ];
    for request in requests {
        let ticket = world.ask(request.clone());
        world.pass(1);
        assert_eq!(world.answers[&ticket].outcome, Outcome::Rejected, "{request:?}");
    }
    assert!(world.bank.calls.is_empty());
}

#[test]
fn those_who_look_see_what_is_sold_out() {
    let mut world = world_of(settings(1, 1), Saga::AuthorizeFirst, &[], &[]);
    world.bought(checkout(1, 0, 1));
    let cart = ShopRequest::Cart { item: ItemId(0), slot: Some(SlotId(0)), quantity: 1 };
    for (request, short) in [
        (ShopRequest::Item { item: ItemId(0) }, Some(Short::Item)),
        (cart, Some(Short::Item)),
        (ShopRequest::Slots { sale: 0 }, Some(Short::Slot)),
        (ShopRequest::Status { sale: 0 }, None),
    ] {
        let ticket = world.ask(request);
        world.pass(1);
        let reply = &world.answers[&ticket];
        assert_eq!((reply.short, reply.items, reply.slots), (short, Some(0), Some(0)));
    }
}
