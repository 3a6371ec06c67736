//! An environment as people would rather look at it: one model of everything in a VPC, and its text, JSON, SVG and
//! Graphviz forms.
//!
//! `read` asks AWS (reading calls only), `assemble` makes the `model` of the answers, `text`, `svg` and `dot` write it;
//! `layout` is the geometry of the picture. All but `read` are pure. Nothing here prints.

mod assemble;
mod dot;
mod layout;
mod model;
mod read;
#[cfg(test)]
mod sample;
mod svg;
mod text;

pub use dot::dot;
pub use model::{
    DhcpOptions, Endpoint, Environment, Group, Host, Interface, InternetGateway, Metanetwork,
    NatGateway, Peering, PeeringSide, Route, RouteTarget, SecurityGroup, Subnet, VpnGateway,
};
pub use read::read;
pub use svg::svg;
pub use text::text;
