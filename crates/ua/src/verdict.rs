//! What was observed, judged: a pure function.
