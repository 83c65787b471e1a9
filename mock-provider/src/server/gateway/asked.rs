//! What a shop asks for: parameters in, a call's words out, or all that is wrong with them.

use domain::money::Amount;

use super::access;
use super::code::{self, Code};
use super::fields::{Fields, encoded};
use super::job::Job;
use crate::rules::card;
use crate::rules::request::Source;

/// How long the gateway's names may be \[characters\]: those of its own specification.
const SHOP_ID_CHARS_MAX: usize = 13;
const SHOP_PASS_CHARS_MAX: usize = 10;
const ORDER_CHARS_MAX: usize = 27;

/// The digits of an amount: less than ten million yen.
const AMOUNT_DIGITS_MAX: usize = 7;
const TOTAL_MAX: Amount = Amount::new(9_999_999);

/// How long a shop's own words may be \[bytes\], in the encoding of the answers.
const CLIENT_FIELD_BYTES_MAX: usize = 100;

/// The card that the gateway's users try first: the customer's first card.
const FIRST_CARD: &str = "4111111111111111";

/// A shop as it names itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shop {
    pub(super) id: String,
    pub(super) pass: String,
}

/// A trade as it was named by the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) id: String,
    pub(super) pass: String,
}

/// A new trade.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) shop: Shop,
    pub(super) order: String,
    pub(super) job: Job,
    pub(super) money: Money,
    pub(super) item: String,
    pub(super) purchase: String,
}

/// An amount, and tax and delivery, which come on top.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Money {
    pub(super) amount: Amount,
    pub(super) tax: Amount,
}

impl Money {
    /// Both.
    pub(super) fn total(self) -> Amount {
        self.amount.plus(self.tax).expect("two numbers of seven digits")
    }
}

/// A trade that is to be paid.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Exec {
    pub(super) access: Access,
    pub(super) order: String,
    pub(super) method: Option<String>,
    pub(super) times: String,
    pub(super) source: Source,
    pub(super) card: String,
    pub(super) expiry: String,
    pub(super) client_fields: [String; 3],
    pub(super) tells_client_fields: bool,
    pub(super) back: Option<String>,
}

/// A trade that is to be changed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Alter {
    pub(super) shop: Shop,
    pub(super) access: Access,
    pub(super) job: Job,
    pub(super) money: Option<Money>,
}

/// Reads parameters and notes what is wrong with them, in the order they are read.
struct Reader<'call> {
    fields: &'call Fields,
    wrong: Vec<Code>,
}

impl<'call> Reader<'call> {
    const fn new(fields: &'call Fields) -> Self {
        Self { fields, wrong: Vec::new() }
    }

    fn end<T>(self, asked: T) -> Result<T, Vec<Code>> {
        if self.wrong.is_empty() { Ok(asked) } else { Err(self.wrong) }
    }

    /// A parameter; `check` says what is wrong with its text.
    fn read(
        &mut self,
        name: &str,
        missing: Option<Code>,
        check: impl FnOnce(&str) -> Option<Code>,
    ) -> String {
        let text = self.fields.text(name);
        self.wrong.extend(match text {
            None => missing,
            Some(text) => check(text),
        });
        text.unwrap_or_default().to_owned()
    }

    fn shop(&mut self) -> Shop {
        let word = |text: &str, most| {
            text.len() <= most && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let id = self.read("ShopID", Some(code::SHOP_ID_MISSING), |text| {
            (!word(text, SHOP_ID_CHARS_MAX)).then_some(code::SHOP_ID_MALFORMED)
        });
        let pass = self.read("ShopPass", Some(code::SHOP_PASS_MISSING), |text| {
            (!word(text, SHOP_PASS_CHARS_MAX)).then_some(code::SHOP_PASS_MALFORMED)
        });
        Shop { id, pass }
    }

    fn access(&mut self) -> Access {
        let wrong = |text: &str| {
            text.len() != access::LETTERS || !text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let id = self.read("AccessID", Some(code::ACCESS_ID_MISSING), |text| {
            wrong(text).then_some(code::ACCESS_ID_MALFORMED)
        });
        let pass = self.read("AccessPass", Some(code::ACCESS_PASS_MISSING), |text| {
            wrong(text).then_some(code::ACCESS_PASS_MALFORMED)
        });
        Access { id, pass }
    }

    fn order(&mut self) -> String {
        self.read("OrderID", Some(code::ORDER_MISSING), |text| {
            let sound = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            match (sound, text.len() > ORDER_CHARS_MAX) {
                (false, _) => Some(code::ORDER_MALFORMED),
                (true, true) => Some(code::ORDER_TOO_LONG),
                (true, false) => None,
            }
        })
    }

    fn job(&mut self, known: &[Job]) -> Job {
        let text = self.read("JobCd", Some(code::JOB_MISSING), |_| None);
        let job = known.iter().find(|job| job.word() == text);
        if job.is_none() && !text.is_empty() {
            self.wrong.push(code::JOB_UNKNOWN);
        }
        job.copied().unwrap_or(Job::Check)
    }

    fn money(&mut self, missing: Option<Code>) -> Money {
        let too_long = [code::AMOUNT_TOO_LONG, code::TAX_TOO_LONG];
        let malformed = [code::AMOUNT_MALFORMED, code::TAX_MALFORMED];
        let [amount, tax] = [("Amount", 0), ("Tax", 1)].map(|(name, place)| {
            let missing = missing.filter(|_| place == 0);
            let text = self.read(name, missing, |text| match text {
                _ if !text.bytes().all(|byte| byte.is_ascii_digit()) => Some(malformed[place]),
                _ if text.len() > AMOUNT_DIGITS_MAX => Some(too_long[place]),
                _ => None,
            });
            let sound = text.len() <= AMOUNT_DIGITS_MAX;
            Amount::new(text.parse().ok().filter(|_| sound).unwrap_or_default())
        });
        let money = Money { amount, tax };
        if money.total() > TOTAL_MAX {
            self.wrong.push(code::TOTAL_TOO_LARGE);
        }
        if money.total() == Amount::ZERO && self.fields.text("Amount").is_some() {
            // Said only where a number was given, and no other thing was wrong with it.
            self.wrong.extend(self.wrong.is_empty().then_some(code::AMOUNT_OUT_OF_RANGE));
        }
        money
    }

    fn card(&mut self) -> (Source, String, String) {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if let Some(token) = self.fields.text("Token") {
            let source = card::by_name(token).map_or(Source::Nth(0), Source::Test);
            return (source, String::new(), String::new());
        }
        let number = self.read("CardNo", Some(code::CARD_MISSING), |text| match text.len() {
            _ if !digits(text) => Some(code::CARD_MALFORMED),
            0..10 => Some(code::CARD_TOO_SHORT),
            10..=16 => (!card::passes_luhn(text)).then_some(code::CARD_WRONG),
            _ => Some(code::CARD_TOO_LONG),
        });
        let has_number = !number.is_empty();
        let missing = has_number.then_some(code::EXPIRY_MISSING);
        let expiry = self.read("Expire", missing, |text| match text {
            _ if text.chars().count() != 4 => Some(code::EXPIRY_NOT_FOUR),
            _ if !digits(text) => Some(code::EXPIRY_MALFORMED),
            _ => None,
        });
        self.read("SecurityCode", None, |text| {
            let sound = digits(text) && (3..=4).contains(&text.len());
            (!sound).then_some(code::SECURITY_CODE_MALFORMED)
        });
        (source_of(&number), veiled(&number), expiry)
    }

    fn client_fields(&mut self) -> [String; 3] {
        ["ClientField1", "ClientField2", "ClientField3"].map(|name| {
            let place = usize::from(name.as_bytes()[name.len() - 1] - b'1');
            self.read(name, None, |text| match encoded(text) {
                Some(bytes) if bytes.len() > CLIENT_FIELD_BYTES_MAX => {
                    Some(code::CLIENT_FIELD_TOO_LONG[place])
                }
                Some(_)
                    if !text.contains(|char: char| "&=".contains(char) || char.is_control()) =>
                {
                    None
                }
                _ => Some(code::CLIENT_FIELD_MALFORMED[place]),
            })
        })
    }

    fn times(&mut self, method: Option<&str>) -> String {
        let missing = matches!(method, Some("2" | "4")).then_some(code::TIMES_MISSING);
        self.read("PayTimes", missing, |text| match text.len() {
            _ if !text.bytes().all(|byte| byte.is_ascii_digit()) => Some(code::TIMES_MALFORMED),
            0..=2 => None,
            _ => Some(code::TIMES_TOO_LONG),
        })
    }
}

/// `EntryTran`.
pub(super) fn entry(fields: &Fields) -> Result<Entry, Vec<Code>> {
    let mut reader = Reader::new(fields);
    let shop = reader.shop();
    let order = reader.order();
    let job = reader.job(&[Job::Check, Job::Capture, Job::Auth]);
    let money = match job {
        // A check of a card has no amount, whatever is said.
        Job::Check => Money::default(),
        _ => reader.money(Some(code::AMOUNT_MISSING)),
    };
    let item = reader.read("ItemCode", None, |_| None).chars().take(7).collect();
    let [purchase, ..] = reader.client_fields();
    reader.end(Entry { shop, order, job, money, item, purchase })
}

/// `ExecTran`.
pub(super) fn exec(fields: &Fields) -> Result<Exec, Vec<Code>> {
    let mut reader = Reader::new(fields);
    let access = reader.access();
    let order = reader.order();
    let method = fields.text("Method").map(str::to_owned);
    if method.as_ref().is_some_and(|method| !matches!(method.as_str(), "1" | "2" | "3" | "4" | "5"))
    {
        reader.wrong.push(code::METHOD_UNKNOWN);
    }
    let times = reader.times(method.as_deref());
    let (source, card, expiry) = reader.card();
    let client_fields = reader.client_fields();
    let tells_client_fields = fields.text("ClientFieldFlag") == Some("1");
    // What cannot be an address is never gone to.
    let back = fields.text("RetUrl").filter(|url| {
        let known = url.starts_with("https://") || url.starts_with("http://");
        known && url.bytes().all(|byte| byte.is_ascii_graphic())
    });
    let back = back.map(str::to_owned);
    reader.end(Exec {
        access,
        order,
        method,
        times,
        source,
        card,
        expiry,
        client_fields,
        tells_client_fields,
        back,
    })
}

/// `SecureTran2`.
pub(super) fn secure(fields: &Fields) -> Result<Access, Vec<Code>> {
    let mut reader = Reader::new(fields);
    let access = reader.access();
    reader.end(access)
}

/// `AlterTran`.
pub(super) fn alter(fields: &Fields) -> Result<Alter, Vec<Code>> {
    let known =
        [Job::Void, Job::Return, Job::ReturnOfAnEarlierMonth, Job::Sales, Job::Capture, Job::Auth];
    let mut reader = Reader::new(fields);
    let (shop, access) = (reader.shop(), reader.access());
    let job = reader.job(&known);
    let missing = (job == Job::Sales).then_some(code::AMOUNT_MISSING);
    let says_amount = fields.text("Amount").is_some();
    let money = Some(reader.money(missing)).filter(|_| says_amount);
    reader.end(Alter { shop, access, job, money })
}

/// `ChangeTran`.
pub(super) fn change(fields: &Fields) -> Result<Alter, Vec<Code>> {
    let mut reader = Reader::new(fields);
    let (shop, access) = (reader.shop(), reader.access());
    let job = reader.job(&[Job::Capture, Job::Auth]);
    let money = Some(reader.money(Some(code::AMOUNT_MISSING)));
    reader.end(Alter { shop, access, job, money })
}

/// `SearchTrade`.
pub(super) fn search(fields: &Fields) -> Result<(Shop, String), Vec<Code>> {
    let mut reader = Reader::new(fields);
    let asked = (reader.shop(), reader.order());
    reader.end(asked)
}

/// A test card, or a card of which the same purchase always meets the same fate.
fn source_of(number: &str) -> Source {
    match card::by_number(number) {
        Some(card) => Source::Test(card),
        None if number == FIRST_CARD => Source::Nth(0),
        None => {
            let hash = domain::draw::number_of(number);
            Source::Nth(u32::try_from(hash >> 33).expect("31 bits") + 1)
        }
    }
}

/// All but the last three digits as stars, as the gateway shows cards.
fn veiled(number: &str) -> String {
    let hidden = number.chars().count().saturating_sub(3);
    number.chars().enumerate().map(|(at, digit)| if at < hidden { '*' } else { digit }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wrong<T>(read: impl Fn(&Fields) -> Result<T, Vec<Code>>, body: &str) -> String {
        let codes = read(&Fields::decode(body.as_bytes())).err().unwrap_or_default();
        codes.iter().map(|code| code.info()).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        assert_eq!(wrong(entry, ""), "E01010001|E01020001|E01040001|E01050001");
        let shop = "ShopID=tshop00000001&ShopPass=abcd1234";
        assert_eq!(
            wrong(entry, &format!("{shop}&OrderID=o_1&JobCd=SALE&Amount=12345678&Tax=x")),
            "E01040013|E01050002"
        );
        let order = format!("{shop}&OrderID=o-1&JobCd=AUTH");
        assert_eq!(wrong(entry, &order), "E01060001");
        assert_eq!(wrong(entry, &format!("{order}&Amount=12345678&Tax=x")), "E01060005|E01070006");
        assert_eq!(wrong(entry, &format!("{order}&Amount=9999999&Tax=1")), "E01490005");
        assert_eq!(wrong(entry, &format!("{order}&Amount=0")), "E01060011");
        assert_eq!(wrong(entry, &format!("{order}&Amount=4500&Tax=450")), "");
        assert_eq!(wrong(entry, &format!("{shop}&OrderID=o-1&JobCd=CHECK")), "");
        let long = format!("{shop}&OrderID={}&JobCd=CHECK", "o".repeat(28));
        assert_eq!(wrong(entry, &long), "E01040003");
    }

    #[test]
    fn a_wrong_card_is_told_what_is_wrong_with_it() {
        let access = format!("AccessID={0}&AccessPass={0}&OrderID=o&Method=1", "a".repeat(32));
        let said = |card: &str| wrong(exec, &format!("{access}&{card}"));
        assert_eq!(said(""), "E01170001");
        assert_eq!(said("CardNo=4111111111111111"), "E01180001");
        assert_eq!(said("CardNo=4111111111111112&Expire=3012"), "E41170099");
        assert_eq!(said("CardNo=41111&Expire=30x2"), "E01170011|E01180006");
        assert_eq!(said("CardNo=41111111111111111&Expire=301"), "E01170003|E01180003");
        assert_eq!(said("CardNo=4111-1111-1111-1111&Expire=3012"), "E01170006");
        assert_eq!(said("CardNo=4111111111111111&Expire=3012&SecurityCode=12"), "E01460008");
        assert_eq!(said("CardNo=4111111111111111&Expire=3012&SecurityCode=123"), "");
        assert_eq!(said("Token=anything"), "");
    }

    #[test]
    fn another_card_is_another_chance_and_the_first_card_is_the_first() {
        assert_eq!(source_of(FIRST_CARD), Source::Nth(0));
        let (one, other) = (source_of("5555555555554477"), source_of("4012888888881888"));
        assert_ne!(one, other);
        assert_eq!(one, source_of("5555555555554477"));
        assert_eq!(veiled(FIRST_CARD), "*************111");
    }

    proptest! {
        #[test]
        fn no_body_makes_a_reader_panic(bytes: Vec<u8>) {
            read_all(&bytes);
        }

        #[test]
        fn no_words_make_a_reader_panic(
            pairs in prop::collection::vec((
                prop::sample::select(vec![
                    "ShopID", "ShopPass", "OrderID", "JobCd", "Amount", "Tax", "AccessID",
                    "AccessPass", "Method", "PayTimes", "CardNo", "Expire", "SecurityCode",
                    "Token", "ClientField1", "RetUrl",
                ]),
                "\\PC{0,40}|[0-9]{1,20}|[a-f0-9]{32}|AUTH|SALES|CHECK",
            ), 0..12),
        ) {
            let mut body = form_urlencoded::Serializer::new(String::new());
            for (name, value) in &pairs {
                body.append_pair(name, value);
            }
            read_all(body.finish().as_bytes());
        }
    }

    fn read_all(bytes: &[u8]) {
        let fields = Fields::decode(bytes);
        let _ = (entry(&fields), exec(&fields), secure(&fields));
        let _ = (alter(&fields), change(&fields), search(&fields));
    }
}
