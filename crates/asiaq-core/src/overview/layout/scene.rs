//! The picture as plain boxes, texts and lines with exact positions. Pure; knows nothing of what they mean.

use super::super::model::RouteTarget;

/// Width of a character of a monospaced font, in thousandths of its size.
const CELL: i32 = 602;

/// A place and size in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::overview) struct Rect {
    pub(in crate::overview) x: i32,
    pub(in crate::overview) y: i32,
    pub(in crate::overview) w: i32,
    pub(in crate::overview) h: i32,
}

impl Rect {
    pub(in crate::overview) fn right(self) -> i32 {
        self.x + self.w
    }

    pub(in crate::overview) fn bottom(self) -> i32 {
        self.y + self.h
    }
}

/// Colours of a metanetwork.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::overview) enum Tone {
    Intranet,
    Tunnel,
    Dmz,
    Maintenance,
    Other,
}

/// What a box looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::overview) enum Look {
    /// The background of everything.
    Page,
    /// The environment.
    Frame,
    /// Nothing: only holds its rows.
    Plain,
    /// Heading of a column.
    Heading,
    /// A metanetwork.
    Band(Tone),
    /// Its label.
    Label(Tone),
    /// A subnet.
    Subnet(Tone),
    /// Where a zone has no subnet.
    Absent,
    /// Hosts of a hostclass.
    Hosts,
    /// Static addresses.
    Reserved,
    /// A route, or the gateway that it leads to.
    Way(RouteTarget),
    /// What is beyond a gateway.
    Beyond(RouteTarget),
    /// DHCP options, groups.
    Panel,
}

/// Colour of a text or dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::overview) enum Ink {
    Strong,
    Muted,
    /// On dark ground.
    Light,
    /// Up and running.
    Good,
    /// Neither up nor wrong.
    Waiting,
    /// Broken.
    Alert,
    Way(RouteTarget),
}

/// Size and weight of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::overview) struct Font {
    pub(in crate::overview) size: i32,
    pub(in crate::overview) bold: bool,
}

impl Font {
    /// Height of a line: a multiple of 8.
    pub(in crate::overview) fn line(self) -> i32 {
        (self.size + 10) / 8 * 8
    }
}

/// Name of the environment.
pub(super) const TITLE: Font = Font {
    size: 26,
    bold: true,
};
/// Names of metanetworks.
pub(super) const HEAD: Font = Font {
    size: 16,
    bold: true,
};
/// Names of other things.
pub(super) const BOLD: Font = Font {
    size: 13,
    bold: true,
};
/// What is worth reading.
pub(super) const BODY: Font = Font {
    size: 13,
    bold: false,
};
/// Ids.
pub(super) const SMALL: Font = Font {
    size: 12,
    bold: false,
};

/// A box.
#[derive(Debug, Clone)]
pub(in crate::overview) struct BoxItem {
    pub(in crate::overview) rect: Rect,
    pub(in crate::overview) look: Look,
    pub(in crate::overview) hover: String,
}

/// A text; its place is the full height of its line.
#[derive(Debug, Clone)]
pub(in crate::overview) struct TextItem {
    pub(in crate::overview) rect: Rect,
    pub(in crate::overview) text: String,
    pub(in crate::overview) font: Font,
    pub(in crate::overview) ink: Ink,
    /// Index of the box that it is in.
    pub(in crate::overview) owner: usize,
}

/// A horizontal or vertical line.
#[derive(Debug, Clone)]
pub(in crate::overview) struct Line {
    pub(in crate::overview) from: (i32, i32),
    pub(in crate::overview) to: (i32, i32),
    pub(in crate::overview) kind: RouteTarget,
    pub(in crate::overview) dashed: bool,
    /// An arrow head at `to`; only on lines to the right.
    pub(in crate::overview) arrow: bool,
}

/// A filled circle.
#[derive(Debug, Clone, Copy)]
pub(in crate::overview) struct Dot {
    pub(in crate::overview) x: i32,
    pub(in crate::overview) y: i32,
    pub(in crate::overview) radius: i32,
    pub(in crate::overview) ink: Ink,
}

/// The picture. Boxes are drawn in order, then lines, dots and texts.
#[derive(Debug, Clone, Default)]
pub(in crate::overview) struct Scene {
    pub(in crate::overview) width: i32,
    pub(in crate::overview) height: i32,
    pub(in crate::overview) boxes: Vec<BoxItem>,
    pub(in crate::overview) texts: Vec<TextItem>,
    pub(in crate::overview) lines: Vec<Line>,
    pub(in crate::overview) dots: Vec<Dot>,
    /// Where boxes are that lines begin at, by key.
    pub(super) anchors: Vec<(String, Rect)>,
}

impl Scene {
    /// Adds a box; gives its index.
    pub(super) fn add_box(&mut self, rect: Rect, look: Look, hover: &str) -> usize {
        self.boxes.push(BoxItem {
            rect,
            look,
            hover: hover.to_owned(),
        });
        self.boxes.len() - 1
    }
}

/// Width of a text, rounded up. East Asian characters and pictures take two cells.
pub(super) fn text_width(text: &str, font: Font) -> i32 {
    let cells: i32 = text.chars().map(|c| if is_wide(c) { 2 } else { 1 }).sum();
    (cells * font.size * CELL + 999) / 1000
}

fn is_wide(c: char) -> bool {
    matches!(
        u32::from(c),
        0x1100..=0x115f
            | 0x2e80..=0xa4cf
            | 0xac00..=0xd7a3
            | 0xf900..=0xfaff
            | 0xfe30..=0xfe6f
            | 0xff00..=0xff60
            | 0xffe0..=0xffe6
            | 0x1f000..=0x1faff
            | 0x20000..=0x3fffd
    )
}
