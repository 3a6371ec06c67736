//! What goes wrong on the way: killed tools, throttling, refused calls, Ctrl-C. One file per thing that is changed.

mod balancers;
mod complete;
mod environment;
mod pipeline;
mod teardown;
