use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};

use crate::assets::{MARK_PATH, SCRIPT_PATH, STYLE_PATH};
use crate::session::Session;
use crate::words as w;

/// The parts of the console: where, what, and what one must be allowed to do to be shown the way there.
const PLACES: &[(&str, &str, &str)] = &[
    ("/", w::OVERVIEW, "telephony:trunkRegistration:view"),
    ("/trunks", w::TRUNKS, "telephony:trunkRegistration:view"),
    ("/carriers", w::CARRIERS, "telephony:carrier:view"),
    ("/edges", w::EDGES, "telephony:edge:view"),
    ("/events", w::EVENTS, "telephony:trunkRegistration:view"),
    ("/bulk", w::IMPORT, "telephony:trunkCredential:edit"),
    ("/plan", w::PLAN, "telephony:trunkRegistration:view"),
    ("/access", w::ACCESS, "oauth:client:view"),
    ("/audit", w::AUDIT, "audits:audit:view"),
    ("/diagnoses", w::DIAGNOSES, "telephony:trunkRegistration:view"),
];

/// A page of somebody who is signed in. `place` is the part of the console that it belongs to.
pub fn page(who: &Session, place: &str, title: &str, content: Markup) -> Response {
    let shown = html! {
        a class="skip" href="#content" { (w::SKIP) }
        header class="bar" {
            a class="brand" href="/" { img src=(*MARK_PATH) alt="" width="24" height="24"; span { "Trunkline" } }
            nav aria-label=(w::MAIN) {
                @for (to, name, needed) in PLACES {
                    @if who.may(needed) { a href=(to) aria-current=[(*to == place).then_some("page")] { (name) } }
                }
            }
            div class="who" {
                span class="live" id="live-state" title=(w::LIVE_HINT) hidden { (w::STATIC) }
                span class="name" { (who.name) }
                form method="post" action="/sign-out" { (csrf(who)) button class="plain" { (w::SIGN_OUT) } }
            }
        }
        main id="content" tabindex="-1" { (content) }
    };
    Html(document(title, &shown, true).into_string()).into_response()
}

/// A page for whoever comes.
pub fn bare(title: &str, content: Markup) -> Html<String> {
    let shown = html! { main id="content" class="bare" { div class="brand large" { img src=(*MARK_PATH) alt="" width="36" height="36"; span { "Trunkline" } } (content) } };
    Html(document(title, &shown, false).into_string())
}

/// The field that each form carries.
pub fn csrf(who: &Session) -> Markup {
    html! { input type="hidden" name="csrf" value=(who.csrf); }
}

fn document(title: &str, body: &Markup, live: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · Trunkline" }
                link rel="icon" type="image/svg+xml" href=(*MARK_PATH);
                link rel="stylesheet" href=(*STYLE_PATH);
                script src=(*SCRIPT_PATH) defer {}
            }
            body data-follow=[live.then_some("/live")] data-words=(w::of_script()) { (body) }
        }
    }
}
