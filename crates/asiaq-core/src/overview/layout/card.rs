//! Cards: boxes with rows of text and of other cards, which know how large they must be. Pure geometry in whole pixels.
//!
//! Heights are multiples of [`GRID`], so that everything lines up and horizontal lines of different origin never meet.

use super::scene::{Dot, Font, Ink, Look, Rect, Scene, TextItem, text_width};

/// All heights and most positions are multiples of it.
pub(super) const GRID: i32 = 8;
/// Between texts of one line.
const SPACE: i32 = 16;
/// Room of a state dot before a text.
const DOT: i32 = 16;
/// Longest text that is shown in full; the rest is in the hover text.
const LONGEST: usize = 64;

/// Rounds up to the grid.
pub(super) fn up(value: i32) -> i32 {
    (value + GRID - 1) / GRID * GRID
}

/// Where a text stands in its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Middle,
    Right,
}

/// A piece of text.
#[derive(Debug, Clone)]
pub(super) struct Span {
    text: String,
    font: Font,
    ink: Ink,
    align: Align,
}

impl Span {
    /// Text at the left, cut if it is very long. Control characters, which XML does not allow, are replaced.
    pub(super) fn new(text: &str, font: Font, ink: Ink) -> Self {
        let clean = |c: char| if c.is_control() { '\u{fffd}' } else { c };
        Self {
            text: clip(&text.chars().map(clean).collect::<String>(), LONGEST),
            font,
            ink,
            align: Align::Left,
        }
    }

    /// The same at another place.
    pub(super) fn at(mut self, align: Align) -> Self {
        self.align = align;
        self
    }

    fn width(&self) -> i32 {
        text_width(&self.text, self.font)
    }
}

/// The text, cut to so many characters with `…` for what is missing.
pub(super) fn clip(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let kept: String = text.chars().take(longest.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// A row of a card.
#[derive(Debug, Clone)]
pub(super) enum Row {
    /// Texts beside each other, with a state dot before them if given.
    Line(Vec<Span>, Option<Ink>),
    /// A card over the full width.
    Card(Card),
    /// Cards of equal width and height in so many columns.
    Grid(Vec<Card>, usize),
    /// Empty room.
    Gap(i32),
}

/// A box and what is in it.
#[derive(Debug, Clone)]
pub(super) struct Card {
    look: Look,
    pad: (i32, i32),
    hover: String,
    anchor: Option<String>,
    rows: Vec<Row>,
}

impl Card {
    /// An empty card.
    pub(super) fn new(look: Look) -> Self {
        Self {
            look,
            pad: (12, GRID),
            hover: String::new(),
            anchor: None,
            rows: Vec::new(),
        }
    }

    /// A card of one line that is only 24 pixels high.
    pub(super) fn chip(look: Look, spans: Vec<Span>) -> Self {
        Self::chip_of(look, Row::Line(spans, None))
    }

    /// [`Card::chip`] of a given row.
    pub(super) fn chip_of(look: Look, row: Row) -> Self {
        Self {
            pad: (GRID, GRID / 2),
            ..Self::new(look).row(row)
        }
    }

    /// No room around the rows.
    pub(super) fn bare(mut self) -> Self {
        self.pad = (0, 0);
        self
    }

    /// Text for the mouse.
    pub(super) fn hover(mut self, text: impl Into<String>) -> Self {
        self.hover = text.into();
        self
    }

    /// Makes the scene remember where the card is.
    pub(super) fn anchor(mut self, key: &str) -> Self {
        self.anchor = Some(key.to_owned());
        self
    }

    /// Adds a row.
    pub(super) fn row(mut self, row: Row) -> Self {
        self.rows.push(row);
        self
    }

    /// Adds rows.
    pub(super) fn rows(mut self, rows: impl IntoIterator<Item = Row>) -> Self {
        self.rows.extend(rows);
        self
    }

    /// Adds a line of text.
    pub(super) fn line(self, spans: Vec<Span>) -> Self {
        self.row(Row::Line(spans, None))
    }

    /// Adds a card below what is there.
    pub(super) fn card(self, card: Card) -> Self {
        let gap = if self.rows.is_empty() { 0 } else { GRID };
        self.row(Row::Gap(gap)).row(Row::Card(card))
    }

    /// Smallest width.
    pub(super) fn width(&self) -> i32 {
        let rows = self.rows.iter().map(Row::width).max().unwrap_or(0);
        up(rows + 2 * self.pad.0)
    }

    /// Height.
    pub(super) fn height(&self) -> i32 {
        up(self.rows.iter().map(Row::height).sum::<i32>() + 2 * self.pad.1)
    }

    /// Draws it with the given place and size.
    pub(super) fn place(&self, scene: &mut Scene, rect: Rect) {
        let index = scene.add_box(rect, self.look, &self.hover);
        if let Some(key) = &self.anchor {
            scene.anchors.push((key.clone(), rect));
        }
        let inner = rect.w - 2 * self.pad.0;
        let (x, mut y) = (rect.x + self.pad.0, rect.y + self.pad.1);
        for row in &self.rows {
            let own = Rect {
                x,
                y,
                w: inner,
                h: row.height(),
            };
            row.place(scene, own, index);
            y += own.h;
        }
    }
}

impl Row {
    fn width(&self) -> i32 {
        match self {
            Self::Line(spans, dot) => {
                let texts: i32 = spans.iter().map(Span::width).sum();
                let spaces = SPACE * (spans.len() as i32 - 1).max(0);
                texts + spaces + if dot.is_some() { DOT } else { 0 }
            }
            Self::Card(card) => card.width(),
            Self::Grid(cards, columns) => {
                let used = cards.len().min(*columns) as i32;
                widest(cards) * used + GRID * (used - 1).max(0)
            }
            Self::Gap(_) => 0,
        }
    }

    fn height(&self) -> i32 {
        match self {
            Self::Line(spans, _) => spans
                .iter()
                .map(|s| s.font.line())
                .max()
                .unwrap_or(2 * GRID),
            Self::Card(card) => card.height(),
            Self::Grid(cards, columns) => {
                let rows = cards.len().div_ceil((*columns).max(1)) as i32;
                tallest(cards) * rows + GRID * (rows - 1).max(0)
            }
            Self::Gap(height) => *height,
        }
    }

    fn place(&self, scene: &mut Scene, rect: Rect, owner: usize) {
        match self {
            Self::Line(spans, dot) => place_line(scene, rect, owner, spans, *dot),
            Self::Card(card) => card.place(scene, rect),
            Self::Grid(cards, columns) => {
                let columns = (*columns).max(1);
                let (w, h) = (widest(cards), tallest(cards));
                for (index, card) in cards.iter().enumerate() {
                    let (column, row) = ((index % columns) as i32, (index / columns) as i32);
                    let (x, y) = (rect.x + column * (w + GRID), rect.y + row * (h + GRID));
                    card.place(scene, Rect { x, y, w, h });
                }
            }
            Self::Gap(_) => {}
        }
    }
}

/// Width of the widest card.
pub(super) fn widest(cards: &[Card]) -> i32 {
    cards.iter().map(Card::width).max().unwrap_or(0)
}

/// Height of the tallest card.
pub(super) fn tallest(cards: &[Card]) -> i32 {
    cards.iter().map(Card::height).max().unwrap_or(0)
}

fn place_line(scene: &mut Scene, rect: Rect, owner: usize, spans: &[Span], dot: Option<Ink>) {
    let (mut left, mut right) = (rect.x, rect.x + rect.w);
    if let Some(ink) = dot {
        let (x, y) = (rect.x + 4, rect.y + rect.h / 2);
        scene.dots.push(Dot {
            x,
            y,
            radius: 4,
            ink,
        });
        left += DOT;
    }
    for span in spans {
        let width = span.width();
        let x = match span.align {
            Align::Left => {
                let x = left;
                left += width + SPACE;
                x
            }
            Align::Middle => rect.x + (rect.w - width) / 2,
            Align::Right => {
                right -= width + SPACE;
                right + SPACE
            }
        };
        scene.texts.push(TextItem {
            rect: Rect {
                x,
                y: rect.y,
                w: width,
                h: rect.h,
            },
            text: span.text.clone(),
            font: span.font,
            ink: span.ink,
            owner,
        });
    }
}
