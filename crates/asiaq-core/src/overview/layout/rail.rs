//! The ways out at the right of the frame: a box per gateway and what is beyond it, and the lines that lead there. Pure.
//!
//! Every target has a vertical lane of its own. Lines from routes come in at the middle of chips, which is never a
//! multiple of 8; lines to gateways leave at multiples of 8. So two lines of different targets may cross, but never run
//! along each other.

use super::card::{Card, GRID, up};
use super::cards::Exit;
use super::scene::{Dot, Ink, Line, Rect, Scene};
use crate::overview::model::RouteTarget;
use std::collections::BTreeSet;

/// Between lanes, and between the last lane and the gateways.
const LANE: i32 = 16;
/// Between gateways.
const GAP: i32 = 16;
/// More room than this between gateways tears them apart.
const WIDEST_GAP: i32 = 96;
/// Between the frame and what is beyond.
const OUTSIDE: i32 = 56;
/// Where lines meet a gateway, from its top.
const PORT: i32 = 24;
/// Lines closer than this look like one.
const CLEAR: i32 = 12;
/// How far a gateway moves down at most to keep its line clear: chips are 32 pixels apart.
const SLACK: i32 = 16;

/// The ways out.
pub(super) struct Rail {
    exits: Vec<Exit>,
    lanes: i32,
}

/// The lines of one target.
struct Lane<'a> {
    kind: RouteTarget,
    x: i32,
    /// Where the gateway is.
    to: (i32, i32),
    taps: &'a [(i32, i32)],
}

impl Rail {
    /// The exits, with a lane for each that a route leads to.
    pub(super) fn new(exits: Vec<Exit>, targets: &[&str]) -> Self {
        let used = exits
            .iter()
            .filter(|exit| targets.contains(&exit.id.as_str()));
        let lanes = used.count() as i32;
        Self { exits, lanes }
    }

    fn widest(&self, card: fn(&Exit) -> &Card) -> i32 {
        self.exits
            .iter()
            .map(|exit| card(exit).width())
            .max()
            .unwrap_or(0)
    }

    /// Left edge of the gateways, seen from the right edge of the bands, and their width.
    pub(super) fn inside(&self) -> Option<(i32, i32)> {
        let left = LANE * (self.lanes + 1) + GRID;
        (!self.exits.is_empty()).then(|| (left, self.widest(|e| &e.inside)))
    }

    /// Width of lanes and gateways.
    pub(super) fn inside_width(&self) -> i32 {
        self.inside().map_or(0, |(left, width)| left + width)
    }

    /// Right edge of what is beyond, if there is anything.
    pub(super) fn right(&self, frame: i32) -> i32 {
        if self.exits.is_empty() {
            frame
        } else {
            frame + OUTSIDE + self.widest(|e| &e.beyond)
        }
    }

    fn heights(&self) -> impl Iterator<Item = i32> + '_ {
        self.exits
            .iter()
            .map(|e| e.inside.height().max(e.beyond.height()))
    }

    /// Height with the smallest gaps.
    pub(super) fn height(&self) -> i32 {
        let gap = if self.exits.is_empty() { 0 } else { GAP };
        self.heights().map(|h| h + GAP + SLACK).sum::<i32>() - gap
    }

    /// Draws everything between the right edge of the bands and the end; `span` is the room from top to bottom.
    pub(super) fn place(&self, scene: &mut Scene, bands: i32, frame: i32, span: (i32, i32)) {
        let Some((left, width)) = self.inside() else {
            return;
        };
        let gaps = (self.exits.len() as i32 - 1).max(1);
        let spare = (span.1 - span.0 - self.height()).max(0);
        let gap = (GAP + spare / gaps / GRID * GRID).min(WIDEST_GAP);
        let heights = self.heights().map(|h| h + SLACK).sum::<i32>();
        let used = heights + gap * (self.exits.len() as i32 - 1);
        let mut y = span.0 + (span.1 - span.0 - used).max(0) / 2 / GRID * GRID;
        let mut lane = bands + LANE * self.lanes;
        let keys: BTreeSet<String> = scene.anchors.iter().map(|(key, _)| key.clone()).collect();
        let middles: Vec<i32> = scene.anchors.iter().map(|(_, r)| r.y + r.h / 2).collect();
        for (exit, h) in self.exits.iter().zip(self.heights()) {
            let near = |y: i32| {
                middles
                    .iter()
                    .any(|middle| (middle - y - PORT).abs() < CLEAR)
            };
            let moved = (0..=SLACK / GRID)
                .map(|step| y + step * GRID)
                .find(|y| !near(*y));
            y = moved.unwrap_or(y);
            let inside = Rect {
                x: bands + left,
                y,
                w: width,
                h,
            };
            let beyond = Rect {
                x: frame + OUTSIDE,
                y,
                w: self.widest(|e| &e.beyond),
                h,
            };
            exit.inside.place(scene, inside);
            exit.beyond.place(scene, beyond);
            scene.lines.push(Line {
                from: (inside.right(), y + PORT),
                to: (beyond.x, y + PORT),
                kind: exit.kind,
                dashed: exit.dashed,
                arrow: true,
            });
            if keys.contains(&exit.id) {
                let own = scene.anchors.iter().filter(|(key, _)| *key == exit.id);
                let taps: Vec<_> = own.map(|(_, r)| (r.right(), r.y + r.h / 2)).collect();
                let to = (inside.x, y + PORT);
                Lane {
                    kind: exit.kind,
                    x: lane,
                    to,
                    taps: &taps,
                }
                .place(scene);
                lane -= LANE;
            }
            y = up(y + h + gap);
        }
    }
}

impl Lane<'_> {
    fn place(&self, scene: &mut Scene) {
        let mut line = |from, to, arrow| {
            let (kind, dashed) = (self.kind, false);
            scene.lines.push(Line {
                from,
                to,
                kind,
                dashed,
                arrow,
            });
        };
        let ys = self.taps.iter().map(|tap| tap.1).chain([self.to.1]);
        let (top, bottom) = ys.fold((self.to.1, self.to.1), |(a, b), y| (a.min(y), b.max(y)));
        for tap in self.taps {
            line(*tap, (self.x, tap.1), false);
        }
        line((self.x, top), (self.x, bottom), false);
        line((self.x, self.to.1), self.to, true);
        // A dot where lines join, none at corners.
        let joints = self.taps.iter().map(|tap| tap.1).chain([self.to.1]);
        for y in joints.filter(|y| (top + 1..bottom).contains(y)) {
            let ink = Ink::Way(self.kind);
            scene.dots.push(Dot {
                x: self.x,
                y,
                radius: 3,
                ink,
            });
        }
    }
}
