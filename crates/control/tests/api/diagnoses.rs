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

#[tokio::test]
async fn the_rules_of_form_are_served_and_are_those_that_a_form_is_put_to() {
    let lab = Lab::new().await;
    let all = lab.get("/api/v2/formrules").await.is(200);
    assert_eq!(all.ids(), ["username", "password", "realm", "algorithm", "ha1", "uri"]);
    let one = lab.get("/api/v2/formrules/realm").await.is(200);
    assert_eq!(one.body["fields"], serde_json::json!(["credentials.realm"]));
    lab.get("/api/v2/formrules/moon").await.refused(404, "not.found");
    let page = lab.call(Method::GET, "/docs/form-rules", "", &[], None).await.is(200);
    assert!(page.text.contains("<h2>Realm</h2>") && page.text.contains("<td>port</td>"), "{}", page.text);
    // Every example of the table is posted; what is refused has the code that the table tells.
    lab.post("/api/v2/sites", r#"{"id": "s"}"#).await.is(201);
    let mut refused = 0;
    for field in all.body["entities"].as_array().expect("a list").iter().filter(|field| field["id"] != "uri" && field["id"] != "ha1") {
        let name = field["id"].as_str().expect("a name");
        let examples = field["rules"].as_array().expect("rules").iter().flat_map(|rule| rule["invalid"].as_array().expect("examples"));
        for example in examples {
            let mut credentials = serde_json::json!({ "username": "u", "password": "p" });
            credentials[name] = example["example"].clone();
            let body = serde_json::json!({ "trunkId": "t1", "credentials": credentials, "verify": "static" });
            let code = example["code"].as_str().expect("a code");
            let answer = lab.post("/api/v2/trunks/voice/registrations", &body.to_string()).await;
            refused += 1;
            if example["example"].as_str().is_some_and(|text| text.contains('\0')) {
                // No JSON with a NUL in it is read at all.
                answer.refused(400, "bad.request");
                continue;
            }
            answer.refused(400, code).about(&format!("credentials.{name}"));
        }
    }
    let uris = lab.get("/api/v2/formrules/uri").await;
    for example in uris.body["rules"].as_array().expect("rules").iter().flat_map(|rule| rule["invalid"].as_array().expect("examples")) {
        let body = serde_json::json!({ "registrars": [example["example"]] });
        lab.post("/api/v2/carriers", &body.to_string()).await.refused(400, example["code"].as_str().expect("a code"));
        refused += 1;
    }
    assert!(refused > 30, "{refused}");
}
