//! Where everything is in the picture. Pure geometry: `card` knows how boxes grow with their content, `cards` what is
//! written in them, `rail` the ways out at the right; `scene` is the result. `svg` only draws it.
//!
//! A frame holds a band per metanetwork and a column per zone. At the right of each band are its routes; lines lead from
//! them through lanes, where nothing else is, to the gateways. Everything is as large as its content needs.

mod card;
mod cards;
mod rail;
mod scene;

use super::model::{Environment, Metanetwork};
use card::{Card, Span, tallest, up, widest};
use cards::{
    absent, dhcp, exits, group, heading, label, legend, panel, routes, stray, subnet, tone,
};
use rail::Rail;
use scene::{BODY, TITLE};
pub(super) use scene::{BoxItem, Dot, Ink, Line, Look, Rect, Scene, TextItem, Tone};

/// Around everything.
const MARGIN: i32 = 24;
/// Between things.
const GAP: i32 = 16;
/// Widest picture part that panels may ask for on their own.
const PANEL: i32 = 720;

/// A metanetwork's row.
struct Band {
    tone: Tone,
    label: Card,
    /// Per zone the subnets, from top to bottom.
    cells: Vec<Vec<Card>>,
    routes: Card,
}

impl Band {
    fn new(env: &Environment, net: &Metanetwork, zones: &[&str]) -> Self {
        let cell = |zone: &&str| {
            let own = net.subnets.iter().filter(|subnet| subnet.zone == **zone);
            own.map(|own| subnet(&net.name, own)).collect()
        };
        Self {
            tone: tone(&net.name),
            label: label(net),
            cells: zones.iter().map(cell).collect(),
            routes: routes(env, net),
        }
    }

    /// Height without the band's own room.
    fn height(&self) -> i32 {
        let cells = self.cells.iter().map(|cell| stack(cell)).max().unwrap_or(0);
        self.label.height().max(self.routes.height()).max(cells)
    }
}

/// Height of cards on top of each other.
fn stack(cards: &[Card]) -> i32 {
    let heights: i32 = cards.iter().map(Card::height).sum();
    (heights + GAP / 2 * (cards.len() as i32 - 1)).max(0)
}

/// Widths of the columns in the frame.
#[derive(Debug, Clone, Copy)]
struct Columns {
    label: i32,
    cell: i32,
    zones: i32,
    routes: i32,
}

impl Columns {
    fn new(bands: &[Band], zones: &[&str]) -> Self {
        let widths = |card: fn(&Band) -> &Card| bands.iter().map(|b| card(b).width()).max();
        let cells = bands
            .iter()
            .flat_map(|band| &band.cells)
            .map(|cell| widest(cell))
            .max();
        let heads = zones
            .iter()
            .map(|zone| heading(zone).width())
            .max()
            .unwrap_or(0);
        Self {
            label: widths(|b| &b.label)
                .unwrap_or(0)
                .max(heading("metanetwork").width()),
            cell: cells.unwrap_or(0).max(heads).max(absent().width()),
            zones: zones.len() as i32,
            routes: widths(|b| &b.routes)
                .unwrap_or(0)
                .max(heading("routes out").width()),
        }
    }

    /// Makes room for what is above and below the bands.
    fn widen(&mut self, missing: i32) {
        match self.zones {
            0 => self.label += up(missing.max(0)),
            zones => self.cell += up(missing.max(0) / zones),
        }
    }

    /// Left edge of a zone's column, seen from the left edge of the band.
    fn zone(&self, index: i32) -> i32 {
        GAP + self.label + GAP + index * (self.cell + GAP)
    }

    fn routes_at(&self) -> i32 {
        self.zone(self.zones)
    }

    /// Width of a band.
    fn width(&self) -> i32 {
        self.routes_at() + self.routes + GAP
    }
}

/// The picture of an environment.
pub(super) fn layout(env: &Environment) -> Scene {
    let zones = env.zones();
    let bands: Vec<Band> = env
        .metanetworks
        .iter()
        .map(|net| Band::new(env, net, &zones))
        .collect();
    let rail = Rail::new(exits(env), &bands_targets(env));
    let mut columns = Columns::new(&bands, &zones);
    let head = title(env);
    let wanted = head.width().max(panels_width(env));
    columns.widen(wanted - columns.width() - rail.inside_width());
    let inner = (columns.width() + rail.inside_width()).max(wanted);

    let mut scene = Scene::default();
    let page = Rect {
        x: 0,
        y: 0,
        w: 0,
        h: 0,
    };
    scene.add_box(page, Look::Page, "");
    let frame = Rect {
        x: MARGIN,
        y: MARGIN,
        w: inner + 2 * GAP,
        h: 0,
    };
    scene.add_box(frame, Look::Frame, "");
    let x = MARGIN + GAP;
    let mut y = MARGIN + GAP;
    head.place(
        &mut scene,
        Rect {
            x,
            y,
            w: inner,
            h: head.height(),
        },
    );
    y += head.height() + GAP;
    y = headings(&mut scene, &columns, &rail, &zones, (x, y));
    let bottom = place_bands(&mut scene, &bands, &columns, rail.height(), (x, y));
    let left = x + columns.width();
    rail.place(&mut scene, left, frame.right(), (y, bottom));
    y = panels(
        &mut scene,
        env,
        Rect {
            x,
            y: bottom + GAP,
            w: inner,
            h: 0,
        },
    );
    let right = frame.right().max(rail.right(frame.right()));
    let frame = Rect {
        h: y + GAP - frame.y,
        ..frame
    };
    y = place_legend(&mut scene, frame.x, frame.bottom() + GAP, right - frame.x);
    scene.width = right + MARGIN;
    scene.height = y + MARGIN;
    let page = Rect {
        w: scene.width,
        h: scene.height,
        ..page
    };
    for (item, rect) in scene.boxes.iter_mut().zip([page, frame]) {
        item.rect = rect;
    }
    scene
}

/// Places the bands below each other, stretched if the rail beside them needs more height. Gives their lower edge.
fn place_bands(
    scene: &mut Scene,
    bands: &[Band],
    columns: &Columns,
    rail: i32,
    (x, top): (i32, i32),
) -> i32 {
    let gaps = GAP * (bands.len() as i32 - 1).max(0);
    let heights = bands.iter().map(|band| band.height() + 2 * GAP);
    let natural: i32 = heights.sum::<i32>() + gaps;
    let height = natural.max(rail);
    let each = up((height - natural) / (bands.len() as i32).max(1));
    let mut y = top;
    for band in bands {
        let h = band.height() + 2 * GAP + each;
        let w = columns.width();
        place_band(scene, band, columns, Rect { x, y, w, h });
        y += h + GAP;
    }
    (y - GAP).max(top + height)
}

/// Ids that routes lead to.
fn bands_targets(env: &Environment) -> Vec<&str> {
    let subnets = env.metanetworks.iter().flat_map(|net| &net.subnets);
    subnets
        .flat_map(|s| &s.routes)
        .map(|route| route.target_id.as_str())
        .collect()
}

fn title(env: &Environment) -> Card {
    let default = if env.is_default {
        " · default VPC"
    } else {
        ""
    };
    let about = format!(
        "type {} · {} · {}{default}",
        env.env_type, env.id, env.region
    );
    let name = if env.name == "-" {
        "untagged VPC"
    } else {
        &env.name
    };
    let tags = env.tags.iter().map(|(key, value)| format!("{key}={value}"));
    Card::new(Look::Plain)
        .bare()
        .hover(tags.collect::<Vec<_>>().join("\n"))
        .line(vec![Span::new(name, TITLE, Ink::Strong)])
        .line(vec![Span::new(&about, BODY, Ink::Muted)])
        .line(vec![Span::new(
            &env.cidr_blocks.join(" "),
            BODY,
            Ink::Strong,
        )])
}

/// The line of column headings; gives the y below it.
fn headings(
    scene: &mut Scene,
    columns: &Columns,
    rail: &Rail,
    zones: &[&str],
    at: (i32, i32),
) -> i32 {
    let (x, y) = at;
    let h = heading("").height();
    let mut put = |text: &str, left: i32, w: i32| {
        heading(text).place(
            scene,
            Rect {
                x: x + left,
                y,
                w,
                h,
            },
        );
    };
    if columns.zones > 0 {
        put("metanetwork", GAP, columns.label);
        put("routes out", columns.routes_at(), columns.routes);
    }
    for (index, zone) in (0..).zip(zones) {
        put(zone, columns.zone(index), columns.cell);
    }
    if let Some((left, width)) = rail.inside() {
        put("gateways", columns.width() + left, width);
    }
    y + h + GAP / 2
}

fn place_band(scene: &mut Scene, band: &Band, columns: &Columns, rect: Rect) {
    scene.add_box(rect, Look::Band(band.tone), "");
    let (y, h) = (rect.y + GAP, rect.h - 2 * GAP);
    let label = Rect {
        x: rect.x + GAP,
        y,
        w: columns.label,
        h,
    };
    band.label.place(scene, label);
    for (index, cell) in (0..).zip(&band.cells) {
        let (x, w) = (rect.x + columns.zone(index), columns.cell);
        if cell.is_empty() {
            absent().place(scene, Rect { x, y, w, h });
        }
        let spare = h - stack(cell);
        let mut top = y;
        for (number, card) in cell.iter().enumerate() {
            // The last one fills the cell.
            let own = card.height() + if number + 1 == cell.len() { spare } else { 0 };
            card.place(
                scene,
                Rect {
                    x,
                    y: top,
                    w,
                    h: own,
                },
            );
            top += own + GAP / 2;
        }
    }
    let (x, w) = (rect.x + columns.routes_at(), columns.routes);
    band.routes.place(scene, Rect { x, y, w, h });
}

/// Chips of groups, and of hosts that are in no subnet.
fn chips(env: &Environment) -> (Vec<Card>, Vec<Card>) {
    let groups = env.groups.iter().map(group).collect();
    (groups, env.unplaced_hosts.iter().map(stray).collect())
}

/// The width that the panels want: as many columns of groups as stay within [`PANEL`].
fn panels_width(env: &Environment) -> i32 {
    let (groups, strays) = chips(env);
    let wide = |title: &str, chips: Vec<Card>| {
        let columns = (PANEL / (widest(&chips) + 8)).clamp(1, 4) as usize;
        panel(title, chips, columns).width()
    };
    (dhcp(env).width() + GAP + wide(GROUPS, groups)).max(wide(STRAYS, strays))
}

const GROUPS: &str = "Groups: min / desired / max";
const STRAYS: &str = "Hosts in no subnet";

/// The panels below the bands; gives the y of their end.
fn panels(scene: &mut Scene, env: &Environment, rect: Rect) -> i32 {
    let (groups, strays) = chips(env);
    let filling = |title: &str, chips: Vec<Card>, width: i32| {
        let columns = ((width - 24 + 8) / (widest(&chips) + 8)).max(1) as usize;
        panel(title, chips, columns)
    };
    let dhcp = dhcp(env);
    let (left, x) = (dhcp.width(), rect.x + dhcp.width() + GAP);
    let w = rect.right() - x;
    let groups = filling(GROUPS, groups, w);
    let h = dhcp.height().max(groups.height());
    dhcp.place(scene, Rect { w: left, h, ..rect });
    groups.place(scene, Rect { x, w, h, ..rect });
    if strays.is_empty() {
        return rect.y + h;
    }
    let y = rect.y + h + GAP;
    let panel = filling(STRAYS, strays, rect.w);
    let h = panel.height();
    panel.place(scene, Rect { y, h, ..rect });
    y + h
}

/// The legend in as many lines as it needs; gives the y of its end.
fn place_legend(scene: &mut Scene, left: i32, top: i32, width: i32) -> i32 {
    let cards = legend();
    let h = tallest(&cards);
    let (mut x, mut y) = (left, top);
    for card in &cards {
        let w = card.width();
        if x > left && x + w > left + width {
            (x, y) = (left, y + h + GAP / 2);
        }
        card.place(scene, Rect { x, y, w, h });
        x += w + GAP / 2;
    }
    y + h
}

#[cfg(test)]
mod tests;
