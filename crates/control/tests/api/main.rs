//! The HTTP API from outside: every route of the plain resources, and bad input.

mod access;
mod audits;
mod bad_input;
mod carriers;
mod diagnoses;
mod frame;
mod lab;
mod limits;
mod listings;
mod matrix;
mod oidc;
mod openapi;
mod operations;
mod organization;
mod pacing;
mod projection;
mod scopes;
mod sealing;
mod sites;
mod start;
mod trunks;
