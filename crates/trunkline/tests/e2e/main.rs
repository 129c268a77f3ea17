//! Trunkline as its operators and its carriers see it: the real binary, a real Kamailio, scripted carriers.
//!
//! The oracle is the API contract and what Kamailio itself says; nothing here looks inside. One program for all topics:
//! the slow ones (Timer F alone is 32 s) then overlap with the others.

#[path = "../support/mod.rs"]
mod support;

mod access;
mod attempts;
mod backup;
mod bad_input;
mod bulk;
mod bulk_rotation;
mod canaries;
mod challenges;
mod console;
mod contact;
mod demo;
mod dns_and_network;
mod drift;
mod durability;
mod events;
mod explained;
mod found_by_dns;
mod holds;
mod https;
mod idempotency;
mod indeterminate;
mod ipv6_and_names;
mod kamailio_rows;
mod keys;
mod lab_carrier;
mod listing;
mod live_credentials;
mod nonce_reuse;
mod oidc;
mod outage;
mod plan;
mod planned;
mod policy;
mod refusals;
mod removal;
mod restart;
mod rotation;
mod schemathesis;
mod scripted_by_sipp;
mod sdk;
mod secrets;
mod sheet;
mod signposts;
mod situations;
mod slow_carrier;
mod startup;
mod static_credentials;
mod story;
mod streams;
mod streams_of_others;
mod targets;
mod unproven;
mod verify;
mod verify_command;
mod verify_over_streams;
