//! The operations of the document, each with its examples.

use axum::http::Method;
use serde_json::{Value, json};

use crate::lab::{Answer, Lab};

/// One operation, ready to be called.
pub struct Operation {
    pub named: String,
    pub method: Method,
    pub path: String,
    pub media: String,
    pub body: Option<String>,
    pub permissions: Vec<String>,
}

impl Operation {
    pub async fn call(&self, lab: &Lab, token: &str) -> Answer {
        // Events as a listing: their stream has no end.
        let headers: &[(&str, &str)] = &[("content-type", &self.media), ("accept", "application/json")];
        lab.call(self.method.clone(), &self.path, token, headers, self.body.as_deref()).await
    }
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().map_or_else(Vec::new, |items| items.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// All operations that need a token.
pub fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in control::openapi_document()["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if operation["security"].as_array().is_some_and(Vec::is_empty) {
                continue;
            }
            let mut asked = path.clone();
            let mut query = Vec::new();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().expect("a name");
                let example = parameter["example"].as_str().map_or_else(|| parameter["example"].to_string(), str::to_owned);
                match parameter["in"].as_str() {
                    Some("path") => asked = asked.replace(&format!("{{{name}}}"), &example),
                    Some("query") if parameter["required"] == true => query.push(format!("{name}=x")),
                    _ => {}
                }
            }
            if !query.is_empty() {
                asked = format!("{asked}?{}", query.join("&"));
            }
            let content = operation.pointer("/requestBody/content").and_then(Value::as_object).and_then(|content| content.iter().next());
            let body =
                content.map(|(_, content)| content["example"].as_str().map_or_else(|| content["example"].to_string(), str::to_owned));
            // Nobody grants what they may not do themselves: what is granted would be needed too.
            let body = body.map(|body| match serde_json::from_str::<Value>(&body) {
                Ok(mut fields) => {
                    for granted in ["roleGrants", "permissions"] {
                        if fields.get(granted).is_some() {
                            fields[granted] = json!([]);
                        }
                    }
                    fields.to_string()
                }
                Err(_) => body,
            });
            let mut permissions = texts(&operation["x-required-permissions"]);
            permissions.extend(texts(&operation["x-conditional-permissions"]));
            permissions.extend(texts(&operation["x-any-permissions"]));
            all.push(Operation {
                named: format!("{method} {path}"),
                method: method.to_uppercase().parse().expect("a method"),
                path: asked,
                media: content.map_or("application/json".into(), |(media, _)| media.clone()),
                body,
                permissions,
            });
        }
    }
    all
}
