//! From a shop's words to one call for the rules, and from their decision to the answer.
//!
//! What is wrong with the words, the shop or the trade's password is said before the rules hear
//! of it: it is never limited or written down.

use std::sync::Arc;

use axum::response::Response;
use domain::money::Amount;
use serde_json::{Map, Value};

use super::asked::{self, Access, Alter, Exec, Money, Shop};
use super::code::{self, Code};
use super::fields::Fields;
use super::job::{self, Job};
use super::tell::{self, TAX, TOLD_UTC_NS, TOTAL};
use super::{Gateway, access};
use crate::rules::request::{
    CaptureMethod, Confirm, Confirmation, Currency, IntentChange, NewIntent, NewRefund, Terms,
};
use crate::rules::{Call, Face, Intent, Reply, Request, Status};
use crate::server::answer::deliver;
use crate::server::connection::Connection;

/// The payment of a call about a trade that nobody knows: their numbers begin at 1.
const NOBODYS: u64 = 0;

/// One call of a shop.
pub(super) struct Desk<'call> {
    pub(super) gateway: &'call Gateway,
    pub(super) connection: Connection,
    /// Where the provider was asked: `http://127.0.0.1:12111`.
    pub(super) base: String,
}

/// An answer, or what is wrong with the call.
type Answered = Result<Response, Vec<Code>>;

impl Desk<'_> {
    /// Registers a trade.
    pub(super) async fn entry(&self, fields: &Fields) -> Answered {
        let asked = asked::entry(fields)?;
        self.admit(&asked.shop)?;
        let terms = terms([
            (TAX, asked.money.tax.minor().into()),
            ("ItemCode", asked.item.into()),
            ("ClientField1", asked.purchase.clone().into()),
        ]);
        let capture = match asked.job {
            Job::Auth => CaptureMethod::Manual,
            _ => CaptureMethod::Automatic,
        };
        let call = Call::Create(Box::new(NewIntent {
            amount: asked.money.total(),
            currency: Currency::JPY,
            capture,
            confirm: Confirm::Later,
            source: None,
            customer: None,
            terms: Some(Box::new(terms)),
        }));
        let request = Request {
            account: &asked.shop.id,
            reference: &asked.order,
            intent: &asked.purchase,
            ..unnamed(call)
        };
        self.call(&request, |intent| tell::entry(self.seed(), intent)).await
    }

    /// Pays a trade.
    pub(super) async fn exec(&self, fields: &Fields) -> Answered {
        let asked = asked::exec(fields)?;
        let trade = self.trade(&asked.access)?;
        if *trade.reference != *asked.order {
            return Err(vec![code::TRADE_UNKNOWN]);
        }
        if asked.method.is_none() && job::registered(&trade) != Job::Check {
            return Err(vec![code::METHOD_MISSING]);
        }
        let with = Confirmation {
            terms: Some(Box::new(said(&asked))),
            source: Some(asked.source),
            ..Confirmation::default()
        };
        let request = Request {
            account: &trade.account,
            reference: &trade.reference,
            intent: &asked.client_fields[0],
            ..unnamed(Call::Confirm { intent: trade.number, with: Box::new(with) })
        };
        let tells = asked.tells_client_fields.then_some(&asked.client_fields);
        self.call(&request, |intent| match intent.status {
            Status::RequiresAction => tell::challenge(&self.base, self.seed(), intent),
            _ => tell::exec(self.seed(), &self.pass_of(intent), intent, tells),
        })
        .await
    }

    /// Tells how a trade ended whose cardholder was asked. The bank is asked as soon as the
    /// cardholder has passed.
    pub(super) async fn secure(&self, fields: &Fields) -> Answered {
        let trade = self.trade(&asked::secure(fields)?)?;
        let request = Request {
            account: &trade.account,
            reference: &trade.reference,
            ..unnamed(Call::Retrieve { intent: trade.number })
        };
        self.answer(&request, |reply| match reply {
            Reply::Intent(intent) => self.secured(intent),
            reply => refusal(reply),
        })
        .await
    }

    fn secured(&self, intent: &Intent) -> Response {
        match (intent.status, &intent.last_decline) {
            (Status::RequiresPaymentMethod, Some(decline)) => {
                tell::errors(&[code::of_decline(decline)])
            }
            (Status::RequiresCapture | Status::Succeeded, _) => {
                tell::text(&tell::exec(self.seed(), &self.pass_of(intent), intent, None))
            }
            (Status::Canceled, _) => tell::errors(&[code::JOB_IMPOSSIBLE]),
            _ => tell::errors(&[code::NOT_SETTLED]),
        }
    }

    /// Takes, lets go or gives back.
    pub(super) async fn alter(&self, fields: &Fields) -> Answered {
        let Alter { shop, access, job, money } = asked::alter(fields)?;
        self.admit(&shop)?;
        let trade = self.trade(&access)?;
        let call = match job {
            Job::Sales => {
                let asked = money.map(Money::total).unwrap_or_default();
                let total = tell::total(&trade);
                if trade.is_open() && asked != total {
                    return Err(vec![code::AMOUNT_DIFFERS]);
                }
                let terms = terms([(TOLD_UTC_NS, self.gateway.shared.utc_ns().into())]);
                let intent = trade.number;
                Call::Capture { intent, amount: Some(total), terms: Some(Box::new(terms)) }
            }
            job if job.ends() && trade.received > Amount::ZERO => refund(&trade, None, job),
            job if job.ends() => {
                Call::Cancel { intent: trade.number, reason: Some(job.word().to_owned()) }
            }
            // A trade that was let go cannot be made anew here.
            _ => return Err(vec![code::JOB_IMPOSSIBLE]),
        };
        self.altered(&shop, &trade, call).await
    }

    /// Changes the amount: of reserved money, what will be taken of it; of money that was taken,
    /// what is kept. It only falls, since no bank is asked again.
    pub(super) async fn change(&self, fields: &Fields) -> Answered {
        let Alter { shop, access, job, money } = asked::change(fields)?;
        self.admit(&shop)?;
        let trade = self.trade(&access)?;
        let money = money.unwrap_or_default();
        let (left, asked) = (tell::left(&trade), money.total());
        let new = terms([
            (TOTAL, asked.minor().into()),
            (TAX, money.tax.minor().into()),
            (TOLD_UTC_NS, self.gateway.shared.utc_ns().into()),
        ]);
        let call = match trade.status {
            Status::RequiresCapture | Status::Succeeded if asked > left => {
                return Err(vec![code::JOB_IMPOSSIBLE]);
            }
            Status::Succeeded if asked < left => refund(&trade, Some(left.less(asked)), job),
            Status::RequiresCapture | Status::Succeeded | Status::Canceled => {
                let change = IntentChange { terms: Some(Box::new(new)), ..IntentChange::default() };
                Call::Update { intent: trade.number, change: Box::new(change) }
            }
            _ => return Err(vec![code::NOT_SETTLED]),
        };
        self.altered(&shop, &trade, call).await
    }

    async fn altered(&self, shop: &Shop, trade: &Intent, call: Call) -> Answered {
        let (account, reference) = (shop.id.as_str(), &*trade.reference);
        let request = Request { account, reference, ..unnamed(call) };
        self.call(&request, |intent| tell::alter(self.seed(), intent)).await
    }

    /// Looks at a trade.
    pub(super) async fn search(&self, fields: &Fields) -> Answered {
        let (shop, order) = asked::search(fields)?;
        self.admit(&shop)?;
        let intent = self.gateway.shared.order(&shop.id, &order).unwrap_or(NOBODYS);
        let request =
            Request { account: &shop.id, reference: &order, ..unnamed(Call::Retrieve { intent }) };
        self.call(&request, |intent| tell::search(self.seed(), intent)).await
    }

    /// Lets the rules decide, and answers: what went well as `show` says it.
    async fn call(&self, request: &Request<'_>, show: impl FnOnce(&Intent) -> String) -> Answered {
        self.answer(request, |reply| match reply {
            Reply::Intent(intent) | Reply::Refund(_, intent) => tell::text(&show(intent)),
            reply => refusal(reply),
        })
        .await
    }

    /// Lets the rules decide, and answers as `say` has it.
    async fn answer(
        &self,
        request: &Request<'_>,
        say: impl FnOnce(&Reply) -> Response,
    ) -> Answered {
        let shared = &self.gateway.shared;
        // What cannot be written down does not happen, or must not be told.
        let cannot = |_| vec![code::FAILED];
        let called = shared.decide(request).map_err(cannot)?;
        let answered = deliver(shared, &self.connection, called, |decision| say(&decision.reply));
        answered.await.map_err(cannot)
    }

    fn admit(&self, shop: &Shop) -> Result<(), Vec<Code>> {
        let known = self.gateway.shops.admit(shop);
        known.then_some(()).ok_or_else(|| vec![code::SHOP_UNKNOWN])
    }

    /// The payment of a trade, if its password is right.
    fn trade(&self, access: &Access) -> Result<Arc<Intent>, Vec<Code>> {
        let number = access::number_of(self.seed(), &access.id, &access.pass);
        let intent = number.and_then(|number| self.gateway.shared.intent(number));
        let own = intent.filter(|intent| intent.face == Face::Gateway);
        own.ok_or_else(|| vec![code::TRADE_UNKNOWN])
    }

    fn pass_of(&self, intent: &Intent) -> String {
        self.gateway.shops.pass(&intent.account)
    }

    fn seed(&self) -> u64 {
        self.gateway.shared.seed()
    }
}

/// The answer when something did not go well.
fn refusal(reply: &Reply) -> Response {
    tell::errors(&[match reply {
        Reply::Declined { decline, .. } => code::of_decline(decline),
        Reply::Limited(refused) => code::of_limit(refused),
        Reply::Refused(fault) => code::of_fault(fault),
        // It may have taken effect, and HTTP says 200 all the same.
        _ => code::FAILED,
    }])
}

/// A call without an idempotency key: this face has none.
const fn unnamed(call: Call) -> Request<'static> {
    let (account, reference, intent) = ("", "", "");
    let face = Face::Gateway;
    Request { face, account, key: None, fingerprint: 0, reference, intent, call }
}

fn refund(trade: &Intent, amount: Option<Amount>, job: Job) -> Call {
    let (intent, reason) = (trade.number, Some(job.word().to_owned()));
    Call::Refund(Box::new(NewRefund { intent, amount, reason, terms: None }))
}

fn terms<const COUNT: usize>(fields: [(&str, Value); COUNT]) -> Terms {
    let fields: Map<_, _> =
        fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    Terms { fields, ..Terms::default() }
}

/// What is kept of how a trade is paid.
fn said(asked: &Exec) -> Terms {
    let [one, two, three] = asked.client_fields.clone();
    let mut said = terms([
        ("Method", asked.method.clone().unwrap_or_default().into()),
        ("PayTimes", asked.times.clone().into()),
        ("CardNo", asked.card.clone().into()),
        ("Expire", asked.expiry.clone().into()),
        ("ClientField2", two.into()),
        ("ClientField3", three.into()),
    ]);
    if !one.is_empty() {
        said.fields.insert("ClientField1".to_owned(), one.into());
    }
    if let Some(back) = &asked.back {
        let joint = if back.contains('?') { '&' } else { '?' };
        let back = format!("{back}{joint}AccessID={}", asked.access.id);
        said.fields.insert(tell::RETURN_URL.to_owned(), back.into());
    }
    said
}
