//! The health check for Argo CD, in a real Lua, on the statuses that the operator writes.

use std::process::Command;

use serde_json::{Value, json};

/// A JSON value as a Lua expression.
fn lua(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Array(items) => format!("{{{}}}", items.iter().map(lua).collect::<Vec<_>>().join(",")),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(key, value)| format!("[{key:?}]={}", lua(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// What the check says of a Tenant: its status.
fn health(program: &str, tenant: &Value) -> String {
    let check = include_str!("../../argo-cd/health.lua");
    let script = format!("local obj = {}\nlocal function check()\n{check}\nend\nprint(check().status)", lua(tenant));
    let output = Command::new(program).args(["-e", &script]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn with(conditions: &Value) -> Value {
    json!({ "metadata": { "generation": 2 }, "spec": {}, "status": { "conditions": conditions } })
}

fn condition(type_: &str, status: &str, generation: i64) -> Value {
    json!({ "type": type_, "status": status, "reason": "R", "message": "m", "observedGeneration": generation })
}

#[test]
fn argo_cd_sees_a_tenant_healthy_degraded_suspended_or_progressing() {
    let found = ["lua5.4", "lua5.3", "lua"].into_iter().find(|name| Command::new(name).arg("-v").output().is_ok());
    let Some(program) = found else {
        eprintln!("NO LUA: the health check for Argo CD is NOT tested here. Next: apt-get install lua5.4");
        return;
    };
    let mut suspended = with(&json!([condition("Ready", "True", 2)]));
    suspended["spec"]["suspended"] = true.into();
    for (tenant, status) in [
        (json!({ "metadata": { "generation": 1 }, "spec": {} }), "Progressing"),
        (with(&json!([condition("Ready", "True", 2)])), "Healthy"),
        (with(&json!([condition("Ready", "True", 1)])), "Progressing"),
        (with(&json!([condition("Ready", "False", 2), condition("Reconciling", "True", 2)])), "Progressing"),
        (with(&json!([condition("Ready", "False", 2), condition("Stalled", "True", 2)])), "Degraded"),
        (with(&json!([condition("Ready", "False", 1), condition("Stalled", "True", 1)])), "Progressing"),
        (suspended, "Suspended"),
    ] {
        assert_eq!(health(program, &tenant), status, "{tenant}");
    }
}
