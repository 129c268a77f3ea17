use std::pin::Pin;
use std::time::Duration;

use secrecy::SecretString;

/// What is still to come of a provider; what it says instead is shown to whoever signs in.
pub type Promise<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// An identity provider, as the console knows it: where to send a browser, and what comes of what it brings back.
pub trait Provider: Send + Sync {
    /// Returns where browsers reach the console, scheme and host alone, where that is settled.
    fn url(&self) -> Option<&str>;

    /// Returns where to send a browser.
    fn authorize<'a>(&'a self, ask: Ask<'a>) -> Promise<'a, String>;

    /// Takes tokens for what a browser has brought back, and checks them.
    fn redeem<'a>(&'a self, returned: Returned<'a>) -> Promise<'a, Tokens>;

    /// Takes the next tokens.
    fn renew<'a>(&'a self, refresh: &'a SecretString) -> Promise<'a, Tokens>;
}

/// With what a browser is sent away.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// Where it comes back to.
    pub redirect_uri: &'a str,
    /// What it must bring back.
    pub state: &'a str,
    /// What the provider must say of this sign-in and no other.
    pub nonce: &'a str,
    /// What proves who has asked; the provider is shown its hash first.
    pub verifier: &'a str,
}

/// What a browser brings back, and what it was sent away with.
#[derive(Clone, Copy)]
pub struct Returned<'a> {
    /// What is given for tokens.
    pub code: &'a str,
    /// Who gave it, where that is said.
    pub issuer: Option<&'a str>,
    /// As in [`Ask`].
    pub redirect_uri: &'a str,
    /// As in [`Ask`].
    pub nonce: &'a str,
    /// As in [`Ask`].
    pub verifier: &'a str,
}

/// What the provider gives.
pub struct Tokens {
    /// What the API takes.
    pub bearer: SecretString,
    /// For how long.
    pub life: Option<Duration>,
    /// What the next one is had for.
    pub refresh: Option<SecretString>,
    /// Who has signed in, where that is said; not of a renewal.
    pub name: Option<String>,
}
