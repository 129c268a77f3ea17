//! Signatures of JWTs by ring, which is in the tree for TLS: the crate's own choices would bring a second set of cryptography.

use jsonwebtoken::crypto::{CryptoProvider, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result};
use jsonwebtoken::signature::{Error, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm,
};

/// What a token may be signed by. Shared secrets (HS*) are none of it: the provider's keys are public, and one taken for a secret lets anybody
/// sign (RFC 8725 2.1); `none` does not even read.
pub const ALLOWED: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| Err(ErrorKind::InvalidAlgorithm.into()),
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes ring the one that checks; the first call of the process counts, and all are the same.
pub fn install() {
    let _ = PROVIDER.install_default();
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    if !ALLOWED.contains(algorithm) || algorithm.family() != key.family() {
        return Err(ErrorKind::InvalidAlgorithm.into());
    }
    Ok(Box::new(ByRing { algorithm: *algorithm, key: key.clone() }))
}

struct ByRing {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl JwtVerifier for ByRing {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for ByRing {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let rsa = |parameters: &RsaParameters| match self.key.kind() {
            DecodingKeyKind::RsaModulusExponent { n, e } => {
                // Some providers write leading zeros, which ring does not take.
                let (n, e) = (trimmed(n), trimmed(e));
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).map_err(|_| Error::new())
            }
            DecodingKeyKind::SecretOrDer(_) => Err(Error::new()),
        };
        let point = |algorithm: &'static dyn VerificationAlgorithm| match self.key.kind() {
            DecodingKeyKind::SecretOrDer(bytes) => {
                UnparsedPublicKey::new(algorithm, bytes).verify(message, signature).map_err(|_| Error::new())
            }
            DecodingKeyKind::RsaModulusExponent { .. } => Err(Error::new()),
        };
        match (self.algorithm, self.key.family()) {
            (Algorithm::RS256, AlgorithmFamily::Rsa) => rsa(&RSA_PKCS1_2048_8192_SHA256),
            (Algorithm::RS384, AlgorithmFamily::Rsa) => rsa(&RSA_PKCS1_2048_8192_SHA384),
            (Algorithm::RS512, AlgorithmFamily::Rsa) => rsa(&RSA_PKCS1_2048_8192_SHA512),
            (Algorithm::PS256, AlgorithmFamily::Rsa) => rsa(&RSA_PSS_2048_8192_SHA256),
            (Algorithm::PS384, AlgorithmFamily::Rsa) => rsa(&RSA_PSS_2048_8192_SHA384),
            (Algorithm::PS512, AlgorithmFamily::Rsa) => rsa(&RSA_PSS_2048_8192_SHA512),
            (Algorithm::ES256, AlgorithmFamily::Ec) => point(&ECDSA_P256_SHA256_FIXED),
            (Algorithm::ES384, AlgorithmFamily::Ec) => point(&ECDSA_P384_SHA384_FIXED),
            (Algorithm::EdDSA, AlgorithmFamily::Ed) => point(&ED25519),
            _ => Err(Error::new()),
        }
    }
}

fn trimmed(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Validation, decode};
    use serde_json::{Map, Value};

    use super::*;

    /// RFC 7515 A.2: the public key and the token that was signed with its other half.
    const N: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

    fn check(token: &str, algorithm: Algorithm) -> bool {
        install();
        let key = DecodingKey::from_rsa_components(N, "AQAB").expect("a key");
        let mut validation = Validation::new(algorithm);
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        decode::<Map<String, Value>>(token, &key, &validation).is_ok()
    }

    #[test]
    fn the_example_of_rfc_7515_is_good_and_nothing_near_it() {
        assert!(check(TOKEN, Algorithm::RS256));
        assert!(!check(&TOKEN.replace("Ge77Rw", "Ge77Rg"), Algorithm::RS256));
        assert!(!check(&TOKEN.replace("joe", "jon"), Algorithm::RS512));
        // The signature, under another algorithm's header.
        let ps256 = TOKEN.replacen("eyJhbGciOiJSUzI1NiJ9", "eyJhbGciOiJQUzI1NiJ9", 1);
        assert!(!check(&ps256, Algorithm::PS256));
    }

    #[test]
    fn no_key_is_taken_for_a_secret() {
        let key = DecodingKey::from_secret(N.as_bytes());
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            assert!(!ALLOWED.contains(&algorithm) && verifier(&algorithm, &key).is_err());
        }
        assert!(verifier(&Algorithm::RS256, &key).is_err());
    }
}
