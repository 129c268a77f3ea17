use axum::http::Method;

use crate::lab::Lab;

#[tokio::test]
async fn the_catalogue_is_listed_and_each_code_explained() {
    let lab = Lab::new().await;
    let all = lab.get("/api/v2/diagnoses?pageSize=500").await.is(200);
    assert_eq!(all.body["total"], diagnosis::ALL.len());
    let one = lab.get("/api/v2/diagnoses/sip.realm.mismatch").await.is(200);
    assert_eq!(one.body["stage"], "challenge");
    assert_eq!(one.body["initiator"], "carrier");
    assert_eq!(one.body["status"], 422);
    assert_eq!(one.body["docs"], "/docs/diagnoses/sip.realm.mismatch");
    lab.get("/api/v2/diagnoses/sip.nothing").await.refused(404, "not.found");
    let form = lab.get("/api/v2/diagnoses?stage=form&pageSize=500").await;
    assert!(form.ids().iter().all(|id| id.starts_with("registration.")), "{:?}", form.ids());
}

#[tokio::test]
async fn a_page_is_readable_without_a_token_and_an_unknown_one_is_404() {
    let lab = Lab::new().await;
    lab.call(Method::GET, "/docs/diagnoses/sip.nothing", "", &[], None).await.refused(404, "not.found");
    lab.call(Method::GET, "/docs/diagnoses/..%2F..%2Fx", "", &[], None).await.refused(404, "not.found");
    let index = lab.call(Method::GET, "/docs/diagnoses", "", &[], None).await.is(200);
    assert!(index.text.contains("href=\"/docs/diagnoses/sip.realm.mismatch\""));
    // Every code has its page, rendered as HTML and given as it was written.
    for code in diagnosis::ALL {
        let path = format!("/docs/diagnoses/{code}");
        let page = lab.call(Method::GET, &path, "", &[], None).await.is(200);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(page.text.contains(&format!("<h1>{code}</h1>")), "{code}");
        assert!(page.header("content-security-policy").contains("default-src 'none'"));
        let plain = lab.call(Method::GET, &path, "", &[("accept", "text/markdown")], None).await.is(200);
        assert!(plain.header("content-type").starts_with("text/markdown"));
        assert!(plain.text.starts_with(&format!("# {code}")), "{code}");
    }
}
