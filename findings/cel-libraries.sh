#!/usr/bin/env bash
# Of four CEL libraries one answers as the language says: the others break validation rules that hold, each another one.
#
# Seen with cel-expr-python 0.1.3 (the C++ one), cel-python 0.5.0, common-expression-language 0.10.0 (the Rust one at 0.14.5) and the
# crate cel 0.15.0. The x-kubernetes-validations of a CRD are tried with such a library long before there is a cluster, and all of
# these hold. But cel-python turns true into "True", drops the fraction of a second, and knows no map with a filter. To the crate
# a whole number of a JSON value is unsigned unless it is negative (its issue 122), so that a rule can neither multiply it nor take
# from it; an integer of Kubernetes is signed. common-expression-language counts bytes, knows no string(bool), and stops at the
# first item of `exists` that lacks the field, although a later one holds. Try rules with the C++ one, or with an API server.
set -euo pipefail
command -v cargo >/dev/null || { echo "needs cargo"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cel-expr-python==0.1.3 cel-python==0.5.0 common-expression-language==0.10.0
cat >object.json <<'JSON'
{"enabled": true, "title": "naïve", "replicas": 3, "offset": -3, "since": "2026-11-30T10:00:00.123Z",
 "names": ["a", "b"], "ports": [{"port": 80}, {"port": 443, "name": "tls"}]}
JSON
cat >rules <<'CEL'
self.names.size() == 2
string(self.enabled) == 'true'
self.title.size() == 5
self.replicas * 2 <= 6
self.replicas - 4 < 0
self.offset * 2 == -6
self.ports.exists(p, p.name == 'tls')
self.names.map(n, n != 'a', n) == ['b']
string(timestamp(self.since)) == self.since
CEL
mkdir src
cat >Cargo.toml <<'TOML'
[package]
name = "rules"
version = "0.1.0"
edition = "2021"

[dependencies]
cel = "=0.15.0"
serde_json = "1"
TOML
cat >src/main.rs <<'RS'
fn main() {
    let object: serde_json::Value = serde_json::from_str(include_str!("../object.json")).expect("JSON");
    for rule in include_str!("../rules").lines() {
        let mut context = cel::Context::default();
        context.add_variable("self", &object).expect("a value");
        match cel::Program::compile(rule).expect("CEL").execute(&context) {
            Ok(cel::Value::Bool(holds)) => println!("{}", if holds { "holds" } else { "broken" }),
            _ => println!("error"),
        }
    }
}
RS
cargo run --quiet >crate
cat >compare.py <<'PY'
import json

import cel
import celpy
from cel_expr_python import cel as official

OBJECT, RULES = json.load(open("object.json")), open("rules").read().splitlines()
environment, c_plus_plus = celpy.Environment(), official.NewEnv(variables={"self": official.Type.DYN})
LIBRARIES = {
    "cel-expr-python": lambda rule: c_plus_plus.compile(rule).eval(data={"self": OBJECT}).value(),
    "cel-python": lambda rule: environment.program(environment.compile(rule)).evaluate({"self": celpy.json_to_cel(OBJECT)}),
    "common-expression-language": lambda rule: cel.evaluate(rule, {"self": OBJECT}),
}


def answer(library, rule):
    try:
        value = LIBRARIES[library](rule)
    except Exception:
        return "error"
    return {True: "holds", False: "broken"}.get(value, "error")


crate, not_held = open("crate").read().split(), {}
for number, rule in enumerate(RULES):
    answers = {library: answer(library, rule) for library in LIBRARIES} | {"the crate cel": crate[number]}
    print(f"{rule:44} " + "  ".join(f"{library}: {said:6}" for library, said in answers.items()))
    for library, said in answers.items():
        not_held.setdefault(library, []).extend([number] if said != "holds" else [])
assert not_held == {
    "cel-expr-python": [], "cel-python": [1, 7, 8], "common-expression-language": [1, 2, 6, 8], "the crate cel": [3, 4],
}, f"that has changed, this finding is out of date: {not_held}"
PY
venv/bin/python compare.py
