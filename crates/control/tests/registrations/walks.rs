//! Pages and walks over a listing that others write to.

use std::collections::HashSet;

use axum::http::Method;
use serde_json::{Value, json};

use crate::scene::{PATH, Scene, trunk};

/// So many trunks are there all along.
const STAY: usize = 120;

async fn import(scene: &Scene, trunks: &[Value]) {
    let lines: String = trunks.iter().map(|trunk| json!({ "trunk": trunk }).to_string() + "\n").collect();
    let headers = [("content-type", "application/x-ndjson"), ("accept", "application/x-ndjson")];
    let answer = scene.lab.call(Method::POST, &format!("{PATH}/bulk"), &scene.lab.token, &headers, Some(&lines)).await.is(200);
    assert_eq!(answer.text.matches("\"status\":201").count(), trunks.len(), "{}", answer.text);
}

/// Follows a listing to its end; between two pages trunks before, behind and amidst come and go.
async fn walk(scene: &Scene, query: &str, round: &mut usize) -> Vec<String> {
    let mut path = format!("{PATH}?pageSize=7&cursor={query}");
    let (mut seen, mut total) = (Vec::new(), None);
    loop {
        let page = scene.lab.get(&path).await.is(200);
        seen.extend(page.ids().into_iter().map(str::to_owned));
        assert!(page.body.get("pageNumber").is_none(), "a walk has no page numbers");
        assert_eq!(&page.body["total"], total.get_or_insert_with(|| page.body["total"].clone()), "counted once");
        let Some(next) = page.body["nextUri"].as_str() else { return seen };
        path = next.to_owned();
        *round += 1;
        let passing: Vec<Value> = ["a", "s050x", "z"].iter().map(|id| trunk(&format!("{id}{round}"))).collect();
        import(scene, &passing).await;
        for passing in &passing[..2] {
            scene.lab.delete(&format!("/api/v2/trunks/voice/{}", passing["id"].as_str().expect("an id"))).await.is(204);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_walk_shows_what_stays_once_whatever_comes_and_goes_meanwhile() {
    let scene = Scene::new().await;
    let stay: Vec<String> = (0..STAY).map(|number| format!("s{number:03}")).collect();
    let trunks: Vec<Value> = stay.iter().map(|id| trunk(id)).collect();
    import(&scene, &trunks).await;
    let mut round = 0;
    for query in [
        "",
        "&sortOrder=descending",
        "&sortBy=name",
        "&sortBy=dateCreated&sortOrder=descending",
        "&sortBy=dateModified",
        "&sortBy=version",
        "&site.id=s1&carrier.id=c1",
        "&state=PENDING",
        "&bound=false&sortBy=name&sortOrder=descending",
    ] {
        let seen = walk(&scene, query, &mut round).await;
        let once: HashSet<&String> = seen.iter().collect();
        assert_eq!(once.len(), seen.len(), "none twice: {query}");
        assert!(stay.iter().all(|id| once.contains(id)), "none left out: {query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_is_good_for_its_own_order_only() {
    let scene = Scene::new().await;
    import(&scene, &[trunk("t2"), trunk("t3")]).await;
    let page = scene.lab.get(&format!("{PATH}?pageSize=1&cursor=")).await.is(200);
    let cursor = page.body["cursor"].as_str().expect("a cursor");
    assert_eq!(scene.lab.get(&format!("{PATH}?pageSize=1&cursor={cursor}")).await.is(200).ids(), ["t2"]);
    for query in ["&sortBy=name", "&sortOrder=descending", "&pageNumber=2", "x"] {
        scene.lab.get(&format!("{PATH}?pageSize=1&cursor={cursor}{query}")).await.refused(400, "invalid.value").about("cursor");
    }
    scene.lab.get(&format!("{PATH}?pageSize=500&pageNumber=21")).await.refused(400, "invalid.value").says("cursor");
}
