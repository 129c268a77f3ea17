//! What joins the console's sign-in to the control plane's identity provider: neither knows the other.

use control::{OidcAsk, OidcReturn, OidcSignIn, OidcTokens, SignInError};
use secrecy::SecretString;
use web::{Ask, Promise, Provider, Returned, Tokens};

/// The provider of the settings, as the console knows one.
pub struct SignIn(pub OidcSignIn);

impl Provider for SignIn {
    fn url(&self) -> Option<&str> {
        self.0.url()
    }

    fn authorize<'a>(&'a self, ask: Ask<'a>) -> Promise<'a, String> {
        let ask = OidcAsk { redirect_uri: ask.redirect_uri, state: ask.state, nonce: ask.nonce, verifier: ask.verifier };
        Box::pin(async move { self.0.authorize(ask).await.map_err(|error| error.to_string()) })
    }

    fn redeem<'a>(&'a self, returned: Returned<'a>) -> Promise<'a, Tokens> {
        let Returned { code, issuer, redirect_uri, nonce, verifier } = returned;
        Box::pin(async move { given(self.0.redeem(OidcReturn { code, issuer, redirect_uri, nonce, verifier }).await) })
    }

    fn renew<'a>(&'a self, refresh: &'a SecretString) -> Promise<'a, Tokens> {
        Box::pin(async move { given(self.0.renew(refresh).await) })
    }
}

fn given(tokens: Result<OidcTokens, SignInError>) -> Result<Tokens, String> {
    let OidcTokens { bearer, life, refresh, name } = tokens.map_err(|error| error.to_string())?;
    Ok(Tokens { bearer, life, refresh, name })
}
