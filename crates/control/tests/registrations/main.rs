//! Setting credentials from the HTTP call to the orders for an edge, with a scripted edge at the other end of the link.

#[allow(dead_code)]
#[path = "../api/lab.rs"]
mod lab;

#[allow(dead_code)]
#[path = "../api/operations.rs"]
mod operations;

mod accepted;
mod allowed;
mod attempts;
mod bulk;
mod converge;
mod drift;
mod event_stream;
mod events;
mod exports;
mod filters;
mod held;
mod idempotent;
mod joined;
mod planned;
mod proxys;
mod rejected;
mod resealed;
mod restart;
mod rollback;
mod rotation;
mod sample;
mod scene;
mod scraped;
mod scripted_edge;
mod slow;
mod standby;
mod unproven;
mod verify;
mod versions;
mod walks;
mod webhooks;
