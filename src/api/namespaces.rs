//! Namespaces. There is one, `default`.

use serde_json::{Value, json};

use super::ApiError;
use super::call::{Answer, Call};

pub const DEFAULT: &str = "default";

fn default_namespace() -> Value {
    json!({
        "Name": DEFAULT, "Description": "Default shared namespace", "Quota": "", "Capabilities": null,
        "NodePoolConfiguration": null, "Meta": null, "CreateIndex": 1, "ModifyIndex": 1,
    })
}

pub async fn list(call: Call) -> Answer {
    let view = call.view(&[], |_| 1).await?;
    let named = DEFAULT.starts_with(call.query.get("prefix").unwrap_or_default());
    let namespaces: Vec<Value> = named.then(default_namespace).into_iter().collect();
    call.found(&view, &namespaces)
}

pub async fn read(call: Call) -> Answer {
    let view = call.view(&[], |_| 1).await?;
    if call.parameter() != DEFAULT {
        return Err(ApiError::not_found("Namespace not found"));
    }
    call.found(&view, &default_namespace())
}
