//! Which of the recorded requests are the funnel, and what each of them is.

use domain::outcome::Operation;

use super::har::{Exchange, HarError};

/// The draft of a funnel.
#[derive(Clone, Debug)]
pub(super) struct Funnel {
    /// The shop's origin: `https://shop.example`.
    pub(super) origin: String,
    pub(super) steps: Vec<Step>,
    /// What was left out, by host, and how often.
    pub(super) notes: Vec<String>,
}

/// One step of it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) operation: Operation,
    /// The request, with the answer that the last of its redirects gave.
    pub(super) exchange: Exchange,
    /// What later steps take out of its answer: a name, and the capture as TOML.
    pub(super) captures: Vec<(String, String)>,
    /// The answers to the same question, where it was asked again and again.
    pub(super) answers: Vec<String>,
}

/// What a browser fetches of its own accord to show a page.
const STATIC: [&str; 14] = [
    ".css", ".js", ".mjs", ".map", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".ico",
    ".woff", ".woff2", ".mp4",
];

/// The funnel in what was recorded.
///
/// # Errors
/// When nothing there can be a step.
pub(super) fn funnel(recorded: Vec<Exchange>) -> Result<Funnel, HarError> {
    let entries = recorded.len();
    let calls: Vec<Exchange> = recorded.into_iter().filter(is_call).collect();
    let Some(origin) = shop(&calls) else { return Err(HarError::Empty { entries }) };
    let (own, others): (Vec<_>, Vec<_>) =
        calls.into_iter().partition(|call| belongs(call, &origin));
    let mut steps = Vec::new();
    for call in own {
        take(&mut steps, call);
    }
    if steps.is_empty() {
        return Err(HarError::Empty { entries });
    }
    name_operations(&mut steps);
    name_steps(&mut steps);
    Ok(Funnel { origin, steps, notes: left_out(&others) })
}

/// How many questions a page is worth: a shop that is a page and a form is asked less than whoever
/// counts its visitors.
const PAGE_WORTH: usize = 2;

/// What was asked of one origin.
struct Asked<'a> {
    origin: String,
    /// Each question once: its method and path.
    questions: Vec<(&'a str, &'a str)>,
    /// What its pages add to them.
    worth: usize,
}

/// The origin that was asked the most different things; of several the first. Who counts visitors or
/// takes a card's number is asked one thing, however often.
fn shop(calls: &[Exchange]) -> Option<String> {
    let mut all: Vec<Asked<'_>> = Vec::new();
    for call in calls {
        let origin = call.origin();
        let place = all.iter().position(|known| known.origin == origin).unwrap_or_else(|| {
            all.push(Asked { origin, questions: Vec::new(), worth: 0 });
            all.len() - 1
        });
        let asked = &mut all[place];
        let question = (call.method.as_str(), call.url.path());
        if !asked.questions.contains(&question) {
            asked.questions.push(question);
        }
        if call.answer.is_page() {
            asked.worth = PAGE_WORTH;
        }
    }
    let most = all.into_iter().rev().max_by_key(|asked| asked.questions.len() + asked.worth);
    most.map(|asked| asked.origin)
}

/// Whether it is part of what a shop does, and not of how a page looks.
fn is_call(exchange: &Exchange) -> bool {
    let path = exchange.url.path().to_ascii_lowercase();
    let kind = exchange.answer.kind.as_str();
    let shows = ["image/", "font/", "audio/", "video/", "text/css"];
    let is_static = shows.iter().any(|show| kind.starts_with(show))
        || kind.ends_with("javascript")
        || STATIC.iter().any(|end| path.ends_with(end));
    let spoken = matches!(exchange.url.scheme(), "http" | "https");
    spoken && !is_static && !matches!(exchange.method.as_str(), "OPTIONS" | "HEAD" | "CONNECT")
}

/// Whether it goes to the shop, or hands something over to a part of it at another host.
fn belongs(call: &Exchange, origin: &str) -> bool {
    let site = |host: &str| {
        if host.trim_matches(['[', ']']).parse::<core::net::IpAddr>().is_ok() {
            return host.to_owned();
        }
        let labels: Vec<&str> = host.rsplit('.').take(2).collect();
        labels.join(".")
    };
    let own = url::Url::parse(origin).ok();
    let own_site = own.and_then(|own| own.host_str().map(site));
    call.origin() == origin || own_site == call.url.host_str().map(site)
}

/// Adds a call as a step, unless it is where the latest one led to, or the same question again.
fn take(steps: &mut Vec<Step>, call: Exchange) {
    if let Some(latest) = steps.last_mut() {
        if latest.exchange.leads_to(&call) {
            latest.exchange.answer = call.answer;
            return;
        }
        if latest.exchange.method == "GET"
            && call.method == "GET"
            && latest.exchange.url == call.url
        {
            latest.answers.push(call.answer.body.clone());
            latest.exchange.answer = call.answer;
            return;
        }
    }
    let answers = vec![call.answer.body.clone()];
    steps.push(Step {
        name: String::new(),
        operation: Operation::Other,
        exchange: call,
        captures: Vec::new(),
        answers,
    });
}

/// What each step is: by the words in its path and, where they say nothing, by its place.
fn name_operations(steps: &mut Vec<Step>) {
    let says = |step: &Step, words: &[&str]| {
        let path = step.exchange.url.path().to_ascii_lowercase();
        words.iter().any(|word| path.contains(word))
    };
    let sends = |step: &Step| step.exchange.method != "GET";
    let bought = ["checkout", "order", "purchase", "pay", "buy", "reserv"];
    let checkout = steps.iter().rposition(|step| sends(step) && says(step, &bought));
    let checkout = checkout.or_else(|| steps.iter().rposition(sends));
    let last = checkout.unwrap_or(steps.len() - 1);
    for (place, step) in steps.iter_mut().enumerate() {
        step.operation = if place == last {
            Operation::Checkout
        } else if place > last {
            Operation::Poll
        } else if sends(step)
            && (step.exchange.sends_a_password()
                || says(step, &["login", "signin", "sign-in", "session"]))
        {
            Operation::Login
        } else if sends(step) && says(step, &["cart", "basket", "bag"]) {
            Operation::Cart
        } else if says(step, &["slot", "timeslot"]) {
            Operation::Slots
        } else {
            Operation::Other
        };
    }
    if let Some(page) = steps[..last].iter_mut().find(|step| {
        step.operation == Operation::Other && !sends(step) && step.exchange.answer.status < 400
    }) {
        page.operation = Operation::Reload;
    }
    // After the purchase only one question is asked again and again; the rest is thanks. Of an order
    // that was only accepted, the first answer that is no page may have told its end at once.
    let is_accepted = steps[last].exchange.answer.status == 202;
    let mut after = steps.iter().skip(last + 1);
    let poll = after.clone().position(|step| step.answers.len() > 1).or_else(|| {
        after.position(|step| is_accepted && !sends(step) && !step.exchange.answer.is_page())
    });
    let mut place = 0;
    steps.retain(|step| {
        let after = place.cmp(&(last + 1));
        place += 1;
        step.operation != Operation::Poll
            || (after.is_ge() && poll.is_some_and(|poll| place == last + 2 + poll))
    });
}

/// Each step is called by what it is or, of the others, by the last word of its path.
fn name_steps(steps: &mut [Step]) {
    let mut taken: Vec<String> = Vec::new();
    for step in steps {
        let word = match step.operation {
            Operation::Reload => "page".to_owned(),
            Operation::Other => word_of(step.exchange.url.path()),
            operation => operation.word().to_owned(),
        };
        let mut name = word.clone();
        let mut number = 2;
        while taken.contains(&name) {
            name = format!("{word}-{number}");
            number += 1;
        }
        taken.push(name.clone());
        step.name = name;
    }
}

fn word_of(path: &str) -> String {
    let is_word = |segment: &&str| segment.chars().any(char::is_alphabetic) && segment.len() <= 30;
    let segment = path.rsplit('/').find(is_word).unwrap_or("step");
    let kept = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '-' };
    let word: String = segment.chars().map(kept).collect();
    word.trim_matches('-').to_ascii_lowercase()
}

/// What was recorded and is not repeated, by host.
fn left_out(others: &[Exchange]) -> Vec<String> {
    let mut hosts: Vec<(&str, usize)> = Vec::new();
    for host in others.iter().filter_map(|call| call.url.host_str()) {
        match hosts.iter_mut().find(|(known, _)| *known == host) {
            Some((_, count)) => *count += 1,
            None => hosts.push((host, 1)),
        }
    }
    let told = |(host, count): (&str, usize)| {
        format!("{count} request(s) to `{host}` are left out: they go to somebody else")
    };
    hosts.into_iter().map(told).collect()
}
