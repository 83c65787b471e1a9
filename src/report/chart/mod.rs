//! Pictures: what happened when, how long it took, where the stock went.

mod beside;
mod heat;
mod latency;
mod metric;
mod moments;
mod opening;
mod overlay;
mod panel;
mod reading;
mod sell_through;
mod sheet;
mod thin;
mod timeline;
mod witness;

use sheet::{Anchor, Caption, DOTS, Ink, Size, drawing};

pub use beside::{devices, rooms};
pub use heat::{heat, tells_times};
pub use latency::latency;
pub use opening::opening;
pub use overlay::{spectra, tiers};
pub use sell_through::{sell_through, tells_stock};
pub use timeline::timeline;
pub use witness::witness;

/// A chart without data, which says so.
fn nothing(caption: &Caption) -> String {
    let caption = Caption { description: "Nothing was measured.".to_owned(), ..caption.clone() };
    drawing(&caption, (960, 120), |sheet| {
        let middle = (480 * DOTS, 60 * DOTS);
        let text = format!("{}: nothing was measured", caption.title);
        sheet.text(&text, middle, Anchor::Middle, Size::Small, Ink::Quiet);
    })
}
