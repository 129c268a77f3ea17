/// Why the demo could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The API did not answer.
    #[error("{method} {path} is not answered: {error}")]
    Silent {
        /// The method.
        method: &'static str,
        /// The path.
        path: String,
        /// What the client says.
        error: Box<ureq::Error>,
    },
    /// The API answered otherwise than the story goes.
    #[error("{method} {path} is answered by {status}: {body}")]
    Refused {
        /// The method.
        method: &'static str,
        /// The path.
        path: String,
        /// The status.
        status: u16,
        /// The body.
        body: String,
    },
    /// The trunks were not registered in time.
    #[error("{bound} of {wanted} trunks are registered after {seconds} s. RUST_LOG=info says more")]
    Slow {
        /// So many are.
        bound: u64,
        /// So many should be.
        wanted: usize,
        /// After so long.
        seconds: u64,
    },
}
