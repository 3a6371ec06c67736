//! Draws the picture that `layout` has made. Decides on colours only.

use super::layout::{BoxItem, Dot, Ink, Line, Look, Scene, TextItem, Tone, layout};
use super::model::{Environment, RouteTarget};
use svg::Document;
use svg::node::Text as Content;
use svg::node::element::{Circle, Description, Group, Path, Rectangle, Text, Title};

/// Only fonts whose characters are all as wide as the layout assumes; browsers stretch others to that (`textLength`).
const FONTS: &str = "DejaVu Sans Mono, Menlo, Consolas, Liberation Mono, monospace";

/// The picture as an SVG document of its own: no fonts, scripts or images from elsewhere.
pub fn svg(env: &Environment) -> String {
    let scene = layout(env);
    let about = format!("Environment {} ({}) in {}", env.name, env.id, env.region);
    let mut document = Document::new()
        .set("width", scene.width)
        .set("height", scene.height)
        .set("viewBox", (0, 0, scene.width, scene.height))
        .set("font-family", FONTS)
        .add(Title::new(clean(&about)))
        .add(Description::new().add(Content::new("Drawn by disco_vpc_ui show --output svg")));
    for (index, item) in scene.boxes.iter().enumerate() {
        document = document.add(box_with_texts(&scene, index, item));
    }
    for line in &scene.lines {
        document = document.add(path(line));
    }
    for dot in &scene.dots {
        document = document.add(circle(dot));
    }
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{document}")
}

/// Control characters other than line breaks are not allowed in XML.
fn clean(text: &str) -> String {
    let allowed = |c: char| {
        if c.is_control() && c != '\n' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars()
        .map(allowed)
        .filter(|c| !matches!(u32::from(*c), 0xfffe | 0xffff))
        .collect()
}

/// A box and its own texts as one group, so that the hover text is shown over both.
fn box_with_texts(scene: &Scene, index: usize, item: &BoxItem) -> Group {
    let mut group = Group::new();
    if !item.hover.is_empty() {
        group = group.add(Title::new(clean(&item.hover)));
    }
    if let Some(paint) = paint(item.look) {
        group = group.add(rectangle(item, &paint));
    }
    for text in scene.texts.iter().filter(|text| text.owner == index) {
        group = group.add(label(text));
    }
    group
}

/// Fill, border and corners of a box.
struct Paint {
    fill: &'static str,
    stroke: &'static str,
    width: f32,
    radius: i32,
    dashed: bool,
}

impl Paint {
    fn new(fill: &'static str, stroke: &'static str, width: f32, radius: i32) -> Self {
        Self {
            fill,
            stroke,
            width,
            radius,
            dashed: false,
        }
    }
}

fn rectangle(item: &BoxItem, paint: &Paint) -> Rectangle {
    let rect = item.rect;
    let shape = Rectangle::new()
        .set("x", rect.x)
        .set("y", rect.y)
        .set("width", rect.w)
        .set("height", rect.h)
        .set("rx", paint.radius)
        .set("fill", paint.fill)
        .set("stroke", paint.stroke)
        .set("stroke-width", paint.width);
    if paint.dashed {
        shape.set("stroke-dasharray", "4 3")
    } else {
        shape
    }
}

fn label(item: &TextItem) -> Text {
    let rect = item.rect;
    // The middle of the line is the middle of the capitals, which are 0.73 em high.
    let baseline = f64::from(rect.y) + f64::from(rect.h) / 2.0 + 0.36 * f64::from(item.font.size);
    Text::new(clean(&item.text))
        .set("x", rect.x)
        .set("y", (baseline * 10.0).round() / 10.0)
        .set("font-size", item.font.size)
        .set(
            "font-weight",
            if item.font.bold { "bold" } else { "normal" },
        )
        .set("fill", ink(item.ink))
        .set("textLength", rect.w)
        .set("lengthAdjust", "spacingAndGlyphs")
}

fn path(line: &Line) -> Group {
    let ((x1, y1), (x2, y2)) = (line.from, line.to);
    let colour = way(line.kind).1;
    let end = if line.arrow { x2 - 6 } else { x2 };
    let shape = Path::new()
        .set("d", format!("M{x1} {y1}L{end} {y2}"))
        .set("stroke", colour)
        .set("stroke-width", 2)
        .set("stroke-linecap", "square")
        .set("fill", "none");
    let shape = if line.dashed {
        shape.set("stroke-dasharray", "5 5")
    } else {
        shape
    };
    let group = Group::new().add(shape);
    if !line.arrow {
        return group;
    }
    let head = format!("M{x2} {y2}L{} {}L{} {}Z", x2 - 9, y2 - 5, x2 - 9, y2 + 5);
    group.add(Path::new().set("d", head).set("fill", colour))
}

fn circle(dot: &Dot) -> Circle {
    Circle::new()
        .set("cx", dot.x)
        .set("cy", dot.y)
        .set("r", dot.radius)
        .set("fill", ink(dot.ink))
}

fn ink(ink: Ink) -> &'static str {
    match ink {
        Ink::Strong => "#17202e",
        Ink::Muted => "#545d6b",
        Ink::Light => "#ffffff",
        Ink::Good => "#1a7f42",
        Ink::Waiting => "#a85b00",
        Ink::Alert => "#b42318",
        Ink::Way(kind) => way(kind).1,
    }
}

/// Light and strong colour of a metanetwork.
fn tone(tone: Tone) -> (&'static str, &'static str) {
    match tone {
        Tone::Intranet => ("#e4edfb", "#2459a8"),
        Tone::Tunnel => ("#efe8fa", "#6b43a5"),
        Tone::Dmz => ("#fdeedd", "#a8500c"),
        Tone::Maintenance => ("#e2f3ea", "#20704a"),
        Tone::Other => ("#eceef1", "#4d5766"),
    }
}

/// Light and strong colour of a kind of route target.
fn way(kind: RouteTarget) -> (&'static str, &'static str) {
    match kind {
        RouteTarget::InternetGateway => ("#d9f1f5", "#0b7285"),
        RouteTarget::NatGateway => ("#fff3c9", "#8f6a00"),
        RouteTarget::VpnGateway => ("#e6e3fb", "#4b3fb5"),
        RouteTarget::Peering => ("#fbe1ec", "#b3246b"),
        RouteTarget::Endpoint => ("#e3f2d6", "#4b7a17"),
        RouteTarget::Instance | RouteTarget::Interface | RouteTarget::Other => {
            ("#eceef1", "#4d5766")
        }
    }
}

/// `None` for boxes that are not drawn.
fn paint(look: Look) -> Option<Paint> {
    let dashed = |paint: Paint| Paint {
        dashed: true,
        ..paint
    };
    Some(match look {
        Look::Plain => return None,
        Look::Page => Paint::new("#f3f5f8", "none", 0.0, 0),
        Look::Frame => Paint::new("#ffffff", "#17202e", 2.0, 12),
        Look::Heading => Paint::new("#f3f5f8", "none", 0.0, 6),
        Look::Band(net) => Paint::new(tone(net).0, "none", 0.0, 10),
        Look::Label(net) => Paint::new(tone(net).1, "none", 0.0, 8),
        Look::Subnet(net) => Paint::new("#ffffff", tone(net).1, 1.5, 8),
        Look::Absent => dashed(Paint::new("none", "#9aa3af", 1.0, 8)),
        Look::Hosts => Paint::new("#f6f7f9", "#c5ccd6", 1.0, 5),
        Look::Reserved => dashed(Paint::new("#ffffff", "#7a8494", 1.0, 5)),
        Look::Way(kind) => Paint::new(way(kind).0, way(kind).1, 1.2, 5),
        Look::Beyond(kind) => Paint::new("#ffffff", way(kind).1, 2.0, 14),
        Look::Panel => Paint::new("#ffffff", "#c5ccd6", 1.0, 8),
    })
}

#[cfg(test)]
mod tests;
