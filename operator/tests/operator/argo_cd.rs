//! The health check for Argo CD, in the Lua that Argo CD has (5.1), on the statuses that the operator writes.

use mlua::{Lua, LuaOptions, LuaSerdeExt as _, StdLib, Table, serde::SerializeOptions};
use serde_json::{Value, json};

/// What the check says of a Tenant: its status.
fn health(tenant: &Value) -> String {
    // Argo CD gives a check the basic functions and those of tables, and neither files nor processes.
    let lua = Lua::new_with(StdLib::TABLE, LuaOptions::default()).unwrap();
    // As there, a null is nothing.
    let options = SerializeOptions::new().serialize_none_to_null(false).serialize_unit_to_null(false);
    lua.globals().set("obj", lua.to_value_with(tenant, options).unwrap()).unwrap();
    let health: Table = lua.load(include_str!("../../argo-cd/health.lua")).eval().unwrap();
    assert_ne!(health.get::<String>("message").unwrap(), "", "{tenant}");
    health.get("status").unwrap()
}

fn with(conditions: &Value) -> Value {
    json!({ "metadata": { "generation": 2 }, "spec": {}, "status": { "conditions": conditions } })
}

fn condition(type_: &str, status: &str, generation: i64) -> Value {
    json!({ "type": type_, "status": status, "reason": "R", "message": "m", "observedGeneration": generation })
}

#[test]
fn argo_cd_sees_a_tenant_healthy_degraded_suspended_or_progressing() {
    let mut suspended = with(&json!([condition("Ready", "True", 2)]));
    suspended["spec"]["suspended"] = true.into();
    for (tenant, status) in [
        (json!({ "metadata": { "generation": 1 }, "spec": {} }), "Progressing"),
        (json!({ "metadata": { "generation": 1 }, "spec": null, "status": null }), "Progressing"),
        (with(&json!([condition("Ready", "True", 2)])), "Healthy"),
        (with(&json!([condition("Ready", "True", 1)])), "Progressing"),
        (with(&json!([condition("Ready", "False", 2), condition("Reconciling", "True", 2)])), "Progressing"),
        (with(&json!([condition("Ready", "False", 2), condition("Stalled", "True", 2)])), "Degraded"),
        (with(&json!([condition("Ready", "False", 1), condition("Stalled", "True", 1)])), "Progressing"),
        (suspended, "Suspended"),
    ] {
        assert_eq!(health(&tenant), status, "{tenant}");
    }
}
