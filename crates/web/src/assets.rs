//! One stylesheet and one script, in the binary, named by what is in them so that browsers keep them.

use std::sync::LazyLock;

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use sha2::{Digest, Sha256};

static STYLE: &str = include_str!("../assets/console.css");
static SCRIPT: &str = include_str!("../assets/console.js");
static MARK: &str = include_str!("../assets/mark.svg");

/// Where the stylesheet is.
pub static STYLE_PATH: LazyLock<String> = LazyLock::new(|| path("console", STYLE, "css"));
/// Where the script is.
pub static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| path("console", SCRIPT, "js"));
/// Where the icon is.
pub static MARK_PATH: LazyLock<String> = LazyLock::new(|| path("mark", MARK, "svg"));

fn path(name: &str, content: &str, kind: &str) -> String {
    let digest: String = Sha256::digest(content.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("/assets/{name}-{digest}.{kind}")
}

/// The routes of the assets.
pub fn routes() -> Router {
    let asset = |content: &'static str, media: &'static str| {
        get(async move || {
            ([(header::CONTENT_TYPE, media), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")], content).into_response()
        })
    };
    Router::new()
        .route(&STYLE_PATH, asset(STYLE, "text/css; charset=utf-8"))
        .route(&SCRIPT_PATH, asset(SCRIPT, "text/javascript; charset=utf-8"))
        .route(&MARK_PATH, asset(MARK, "image/svg+xml"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn script_and_style_stay_under_100_kb() {
        assert!(STYLE.len() + SCRIPT.len() + MARK.len() < 100_000);
    }
}
