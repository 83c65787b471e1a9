//! The sheet a chart is drawn on: a few strokes in a fixed palette, and the SVG around them.

use std::cell::RefCell;
use std::fmt::Write as _;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{PathElement, Polygon, Text};
use plotters::prelude::SVGBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle};

use super::reading::Reading;

/// Dots per pixel of the page: the backend rounds to whole dots, and whole pixels look jagged.
pub(super) const DOTS: i32 = 2;

/// A place on the sheet \[dots\], from its upper left corner.
pub(super) type Place = (i32, i32);

/// What a stroke or a letter is drawn with. Every ink is one colour, so that a page can give its
/// own by that colour.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// The ground.
    Paper,
    /// What is read first.
    Text,
    /// Axes' figures and remarks.
    Quiet,
    /// Lines that only guide the eye.
    Grid,
    /// The ground while a sale is open.
    Open,
    /// One of the data's lines, from 0; told apart by colour and by dashes.
    Line(usize),
}

/// How many lines can be told apart.
pub(super) const LINES: usize = LINE_STYLES.len();

/// Colour and dashes \[dots\] of each line: after Okabe and Ito, "Color Universal Design" (2008),
/// and Tol, "Colour Schemes" (2021); pale ones darkened to 3 : 1 on white.
const LINE_STYLES: [(RGBColor, &str); 9] = [
    (RGBColor(0x00, 0x72, 0xB2), ""),
    (RGBColor(0xC8, 0x4E, 0x00), "18 8"),
    (RGBColor(0x00, 0x87, 0x60), "4 6"),
    (RGBColor(0x9F, 0x3A, 0x8E), "24 6 4 6"),
    (RGBColor(0x33, 0x22, 0x88), "10 6"),
    (RGBColor(0x8A, 0x6D, 0x00), "24 8"),
    (RGBColor(0x88, 0x22, 0x55), "6 10"),
    (RGBColor(0x3B, 0x8E, 0xA5), "16 6 4 6 4 6"),
    (RGBColor(0x5B, 0x61, 0x6B), "2 6"),
];

impl Ink {
    fn colour(self) -> RGBColor {
        match self {
            Self::Paper => RGBColor(0xFF, 0xFF, 0xFF),
            Self::Text => RGBColor(0x1B, 0x21, 0x2B),
            Self::Quiet => RGBColor(0x5A, 0x63, 0x70),
            Self::Grid => RGBColor(0xE3, 0xE6, 0xEA),
            Self::Open => RGBColor(0xF3, 0xF6, 0xFA),
            Self::Line(place) => LINE_STYLES[place % LINES].0,
        }
    }
}

/// How large letters are \[pixels of the page\].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Size {
    /// Figures and remarks.
    Small,
    /// Names.
    Middle,
}

impl Size {
    const fn dots(self) -> i32 {
        DOTS * match self {
            Self::Small => 12,
            Self::Middle => 13,
        }
    }
}

/// Which end of a text stands at its place.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    /// It begins there.
    Start,
    /// Its middle is there.
    Middle,
    /// It ends there.
    End,
}

/// What a chart is called, for those who see it and for those who hear it.
#[derive(Clone, Debug)]
pub(super) struct Caption {
    /// A word that no other chart of a page has.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// What there is to see, in sentences.
    pub description: String,
}

/// The sheet.
pub(super) struct Sheet<'a> {
    area: DrawingArea<SVGBackend<'a>, Shift>,
    /// What the mouse can read off it.
    readings: RefCell<Vec<Reading>>,
}

/// The chart that `draw` puts on a sheet of `width` × `height` \[pixels of the page\], as SVG.
pub(super) fn drawing(
    caption: &Caption,
    (width, height): (u32, u32),
    draw: impl FnOnce(&Sheet<'_>),
) -> String {
    let mut raw = String::new();
    let dots = DOTS.unsigned_abs();
    let readings = {
        let backend = SVGBackend::with_string(&mut raw, (width * dots, height * dots));
        let area = backend.into_drawing_area();
        let sheet = Sheet { area, readings: RefCell::default() };
        sheet.area.fill(&Ink::Paper.colour()).expect(IN_MEMORY);
        draw(&sheet);
        sheet.area.present().expect(IN_MEMORY);
        sheet.readings.take()
    };
    dressed(&raw, caption, &readings, (width, height))
}

const IN_MEMORY: &str = "a drawing in memory cannot fail";

impl Sheet<'_> {
    /// A line through `places`, `weight` dots wide.
    pub(super) fn line(&self, places: Vec<Place>, ink: Ink, weight: u32) {
        let style = ShapeStyle::from(&ink.colour()).stroke_width(weight);
        self.area.draw(&PathElement::new(places, style)).expect(IN_MEMORY);
    }

    /// The area within `places`, more or less transparent.
    pub(super) fn fill(&self, places: Vec<Place>, ink: Ink, opacity: f64) {
        let style = ink.colour().mix(opacity).filled();
        self.area.draw(&Polygon::new(places, style)).expect(IN_MEMORY);
    }

    /// Lets the mouse read values off it.
    pub(super) fn reads(&self, reading: Reading) {
        self.readings.borrow_mut().push(reading);
    }

    /// Text, vertically centred at its place.
    pub(super) fn text(&self, text: &str, place: Place, anchor: Anchor, size: Size, ink: Ink) {
        let weight = match size {
            Size::Small => FontStyle::Normal,
            Size::Middle => FontStyle::Bold,
        };
        let horizontal = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        // The backend divides by 1.24, so that letters are as high as other backends draw them.
        let font = FontDesc::new(FontFamily::SansSerif, f64::from(size.dots()) * 1.24, weight);
        let style = TextStyle {
            font,
            color: ink.colour().to_backend_color(),
            pos: Pos::new(horizontal, VPos::Center),
        };
        self.area.draw(&Text::new(text.to_owned(), place, style)).expect(IN_MEMORY);
    }
}

/// About how wide a text is \[dots\]: there is no font to ask. Letters of common sans-serif fonts
/// are 0.5 to 0.65 of their size wide, bold ones 0.7, those of East Asia as wide as high.
pub(super) fn width(text: &str, size: Size) -> i32 {
    let is_wide = |letter: &char| {
        (0x1100..0x2000).contains(&u32::from(*letter)) || u32::from(*letter) >= 0x2E80
    };
    let wide = text.chars().filter(is_wide).count();
    let narrow = text.chars().count() - wide;
    let hundredths_of_narrow = match size {
        Size::Small => 64,
        Size::Middle => 70,
    };
    let hundredths = narrow * hundredths_of_narrow + wide * 100;
    i32::try_from(hundredths).unwrap_or(i32::MAX / 64) * size.dots() / 100
}

/// Fonts that are legible at small sizes, on the systems people have.
const FONTS: &str =
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

/// The backend's SVG with title, description, values, fonts and dashes, which it knows nothing of.
fn dressed(
    raw: &str,
    caption: &Caption,
    readings: &[Reading],
    (width, height): (u32, u32),
) -> String {
    let dots = DOTS.unsigned_abs();
    let name = &caption.name;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{name}-title {name}-description\" \
         font-family=\"{FONTS}\">\n<title id=\"{name}-title\">{}</title>\n\
         <desc id=\"{name}-description\">{}</desc>\n",
        width * dots,
        height * dots,
        escaped(&caption.title),
        escaped(&caption.description),
    );
    if !readings.is_empty() {
        let values = serde_json::to_string(readings).expect(IN_MEMORY);
        writeln!(svg, "<metadata>{}</metadata>", escaped(&values)).expect(IN_MEMORY);
    }
    for line in raw.lines().skip(1) {
        let line = line.replace(" font-family=\"sans-serif\"", "").replace(" opacity=\"1\"", "");
        if let Some(rest) = line.strip_prefix("<polyline") {
            let dashes = LINE_STYLES
                .iter()
                .find(|(colour, _)| rest.contains(&format!("stroke=\"{}\"", hexadecimal(*colour))))
                .map_or("", |(_, dashes)| *dashes);
            svg.push_str("<polyline stroke-linejoin=\"round\"");
            if !dashes.is_empty() {
                write!(svg, " stroke-dasharray=\"{dashes}\"").expect(IN_MEMORY);
            }
            svg.push_str(rest);
        } else {
            svg.push_str(&line);
        }
        svg.push('\n');
    }
    svg
}

fn hexadecimal(RGBColor(red, green, blue): RGBColor) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

/// The text as XML's character data.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, letter| {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            control if control.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
        escaped
    })
}
