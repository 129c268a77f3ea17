use std::collections::BTreeSet;

use crate::lab::Lab;

async fn lab_with_sites(count: usize) -> Lab {
    let lab = Lab::new().await;
    for n in 0..count {
        // Names repeat, so that the id decides.
        lab.post("/api/v2/sites", &format!(r#"{{"id": "s{n:02}", "name": "n{}"}}"#, n % 3)).await.is(201);
    }
    lab
}

#[tokio::test]
async fn a_listing_has_pages() {
    let lab = lab_with_sites(7).await;
    let first = lab.get("/api/v2/sites?pageSize=3").await.is(200);
    assert_eq!(first.ids(), ["s00", "s01", "s02"]);
    assert_eq!(
        (first.body["total"].as_u64(), first.body["pageCount"].as_u64(), first.body["pageNumber"].as_u64()),
        (Some(7), Some(3), Some(1))
    );
    assert_eq!(first.body.get("previousUri"), None);
    assert_eq!(first.body["selfUri"], "/api/v2/sites?pageSize=3");
    let next = lab.get(first.body["nextUri"].as_str().expect("a next page")).await.is(200);
    assert_eq!(next.ids(), ["s03", "s04", "s05"]);
    assert_eq!(lab.get(next.body["previousUri"].as_str().expect("a page before")).await.ids(), first.ids());
    let last = lab.get(next.body["lastUri"].as_str().expect("a last page")).await;
    assert_eq!(last.ids(), ["s06"]);
    assert_eq!(last.body.get("nextUri"), None);
    assert_eq!(lab.get("/api/v2/sites?pageNumber=9").await.is(200).ids(), [""; 0]);
    let sorted = lab.get("/api/v2/sites?sortBy=name&sortOrder=descending&pageSize=4").await;
    assert_eq!(sorted.ids(), ["s05", "s02", "s04", "s01"]);
    assert_eq!(lab.get("/api/v2/sites?name=n0").await.ids(), ["s00", "s03", "s06"]);
}

#[tokio::test]
async fn a_walk_by_cursor_sees_every_row_once() {
    let lab = lab_with_sites(7).await;
    for order in ["sortBy=id", "sortBy=name", "sortBy=name&sortOrder=descending", "sortBy=dateCreated", "sortBy=version&sortOrder=desc"] {
        let mut uri = format!("/api/v2/sites?pageSize=2&{order}&cursor=");
        let mut seen = Vec::new();
        loop {
            let page = lab.get(&uri).await.is(200);
            seen.extend(page.ids().iter().map(|id| (*id).to_owned()));
            match page.body["nextUri"].as_str() {
                Some(next) => next.clone_into(&mut uri),
                None => break,
            }
        }
        assert_eq!(seen.len(), 7, "{order}");
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 7, "{order}");
    }
}

#[tokio::test]
async fn roles_and_diagnoses_list_the_same_way() {
    let lab = Lab::new().await;
    for path in ["/api/v2/authorization/roles", "/api/v2/diagnoses"] {
        let mut uri = format!("{path}?pageSize=2&cursor=");
        let mut seen = BTreeSet::new();
        let mut total = 0;
        loop {
            let page = lab.get(&uri).await.is(200);
            total = page.body["total"].as_u64().unwrap_or(total);
            for id in page.ids() {
                assert!(seen.insert(id.to_owned()), "{id} twice");
            }
            match page.body["nextUri"].as_str() {
                Some(next) => next.clone_into(&mut uri),
                None => break,
            }
        }
        assert_eq!(seen.len() as u64, total, "{path}");
    }
}

#[tokio::test]
async fn bad_paging_is_refused_by_parameter() {
    let lab = Lab::new().await;
    for (query, about) in [
        ("pageSize=0", "pageSize"),
        ("pageSize=501", "pageSize"),
        ("pageSize=x", "pageSize"),
        ("pageSize=-1", "pageSize"),
        ("pageNumber=0", "pageNumber"),
        ("pageNumber=99999999999", "pageNumber"),
        ("sortBy=body", "sortBy"),
        ("sortOrder=up", "sortOrder"),
        ("cursor=x", "cursor"),
        ("cursor=&pageNumber=2", "cursor"),
        // Beyond offset 10,000.
        ("pageSize=500&pageNumber=21", "cursor"),
        ("pageNumber=401", "cursor"),
    ] {
        lab.get(&format!("/api/v2/sites?{query}")).await.refused(400, "invalid.value").about(about);
    }
    lab.get("/api/v2/sites?pageSize=500&pageNumber=20").await.is(200);
    // A cursor of another order is none of this one.
    let lab = lab_with_sites(3).await;
    let page = lab.get("/api/v2/sites?pageSize=1").await;
    let cursor = page.body["cursor"].as_str().expect("a cursor");
    lab.get(&format!("/api/v2/sites?sortBy=name&cursor={cursor}")).await.refused(400, "invalid.value").about("cursor");
    assert_eq!(lab.get(&format!("/api/v2/sites?cursor={cursor}")).await.ids(), ["s01", "s02"]);
}

#[tokio::test]
async fn trunks_are_listed_by_site_carrier_name_and_service() {
    let lab = Lab::furnished().await;
    lab.post("/api/v2/sites", r#"{"id": "tokyo"}"#).await.is(201);
    let body =
        r#"{"id": "t2", "site": {"id": "tokyo"}, "carrier": {"id": "nusantara"}, "addressOfRecord": "sip:u2@lab", "inService": false}"#;
    lab.post("/api/v2/trunks/voice", body).await.is(201);
    for (query, ids) in [
        ("", vec!["t2", "trunk_jkt_04"]),
        ("?site.id=tokyo", vec!["t2"]),
        ("?carrier.id=nusantara&inService=true", vec!["trunk_jkt_04"]),
        ("?name=Jakarta+04", vec!["trunk_jkt_04"]),
        ("?name=Jakarta%2004", vec!["trunk_jkt_04"]),
        ("?carrier.id=none", vec![]),
    ] {
        let list = lab.get(&format!("/api/v2/trunks/voice{query}")).await.is(200);
        assert_eq!(list.ids(), ids, "{query}");
        assert_eq!(list.body["total"], ids.len(), "{query}");
    }
    lab.get("/api/v2/trunks/voice?inService=maybe").await.refused(400, "invalid.value").about("inService");
}
