//! A load process's own side: lives the part of the crowd that its parent names.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver};
use std::thread;

use super::frame::{FrameReader, FrameWriter};
use super::{Heard, Order, Told};
use crate::live::admin::with_causes;
use crate::live::connection::Dialer;
use crate::live::load::Report;
use crate::live::stop::Stop;
use crate::live::{LiveError, course, crew};
use crate::scenario::problem::Problems;

/// Why a load process cannot do what it is for.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its parent does not speak as one.
    #[error(
        "hear what to live: {0}\nhint: `spike run` starts load processes by itself; nobody else does"
    )]
    Order(String),
    /// What it is to live cannot be read.
    #[error("read the scenario as run:\n{0}")]
    Scenario(Problems),
    /// The parent does not listen.
    #[error("hand over what was measured")]
    HandOver(#[source] io::Error),
    /// A loop cannot be started or cannot go on.
    #[error(transparent)]
    Live(#[from] LiveError),
}

/// Lives what is asked for on `input`, and hands over on `output` what its loops measure. What
/// goes wrong with that is told there too: the parent has the last word.
///
/// # Errors
/// When there is no parent that says what to live, or it does not listen any more.
///
/// # Panics
/// When a load loop panics.
pub fn serve(input: impl Read + Send + 'static, output: impl Write) -> Result<(), ServeError> {
    let mut input = FrameReader::new(input);
    let mut output = FrameWriter::new(output);
    let order = hear(&mut input)?;
    let word = match live(*order, input, &mut output) {
        Ok(()) => Heard::Done,
        Err(error) => Heard::Failed(with_causes(&error)),
    };
    output.write(&word).map_err(ServeError::HandOver)
}

fn hear(input: &mut FrameReader<impl Read>) -> Result<Box<Order>, ServeError> {
    match input.read() {
        Ok(Some(Told::Live(order))) => Ok(order),
        Ok(Some(told)) => Err(ServeError::Order(format!("{told:?} came first"))),
        Ok(None) => Err(ServeError::Order("there was nothing to hear".to_owned())),
        Err(error) => Err(ServeError::Order(error.to_string())),
    }
}

fn live(
    order: Order,
    input: FrameReader<impl Read + Send + 'static>,
    output: &mut FrameWriter<impl Write>,
) -> Result<(), ServeError> {
    let Order { scenario, settings, target, part } = order;
    machine::raise_descriptor_limit();
    let scenario = scenario.scenario().map_err(ServeError::Scenario)?;
    let stop = Stop::default();
    let dialer =
        Dialer::new(&target, settings.wire, &settings.sources).map_err(LiveError::Security)?;
    let course = course(&scenario, &settings, &target, dialer, &stop);
    thread::Builder::new()
        .name("listener".to_owned())
        .spawn(move || listen(input, &stop))
        .map_err(LiveError::Load)?;
    let portions = part.portions(settings.connections);
    let (reports, reported) = mpsc::channel();
    thread::scope(|scope| {
        let threads = crew::start_loops(scope, &course, portions, &reports);
        drop(reports);
        crew::give_way();
        let handed_over = hand_over(&reported, output);
        if handed_over.is_err() {
            course.signal.fail();
        }
        crew::join(threads)?;
        handed_over
    })
}

/// Obeys the parent's later words; when it has gone, so does this process.
fn listen(mut input: FrameReader<impl Read>, stop: &Stop) {
    loop {
        match input.read() {
            Ok(Some(Told::Finish)) => stop.press(),
            Ok(Some(Told::Live(_) | Told::Abandon) | None) | Err(_) => {
                // The first press finishes, the second abandons.
                stop.press();
                stop.press();
                return;
            }
        }
    }
}

fn hand_over(
    reported: &Receiver<Report>,
    output: &mut FrameWriter<impl Write>,
) -> Result<(), ServeError> {
    for report in reported {
        output.write(&Heard::Report(Box::new(report))).map_err(ServeError::HandOver)?;
    }
    Ok(())
}
