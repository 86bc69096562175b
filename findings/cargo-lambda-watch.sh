#!/usr/bin/env bash
# Under `cargo lambda watch` a function that fails once is run three times by the SDK that invokes it, and its error has no name.
#
# Seen with cargo-lambda 1.9.2 and boto3 1.44.8. Lambda answers the Invoke of a function that returned an error with 200, the header
# X-Amz-Function-Error, and the error's type in the body; no SDK repeats that. The watch command answers 500 without the header, which
# every SDK takes for a fault of the service: boto3 runs the function again, twice, and then raises an error whose code is "500". So
# neither a Retry nor a Catch by name can be tried with it, and what the function did is done three times. An ARN as the function's
# name, which is what a state machine has, is not found, and an asynchronous call waits for the result and gets it. Host the binaries
# yourself in tests of a state machine: the Runtime API is four requests.
set -euo pipefail
command -v cargo >/dev/null || { echo "needs cargo"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check cargo-lambda==1.9.2 boto3==1.44.8
mkdir -p step/src
printf '[package]\nname = "step"\nversion = "0.1.0"\nedition = "2021"\n' >step/Cargo.toml
cat >step/src/main.rs <<'RS'
//! A function without a library: it succeeds or fails as the event says, and notes each run in a file.
use std::{fs::OpenOptions, io::{BufRead, BufReader, Read, Write}, net::TcpStream};

fn ask(request: &str, headers: &str, body: &str) -> (String, String) {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").expect("the Runtime API").replace("http://", "");
    let (host, path) = api.split_once('/').map_or((api.clone(), String::new()), |(host, path)| (host.into(), format!("/{path}")));
    let (method, operation) = request.split_once(' ').expect("a method");
    let mut stream = TcpStream::connect(&host).expect("a connection");
    let length = body.len();
    write!(stream, "{method} {path}/2018-06-01/runtime/invocation/{operation} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n").unwrap();
    write!(stream, "{headers}Content-Length: {length}\r\n\r\n{body}").unwrap();
    let (mut reader, mut id, mut text) = (BufReader::new(stream), String::new(), String::new());
    for line in reader.by_ref().lines().map(Result::unwrap).take_while(|line| !line.is_empty()) {
        if let Some(value) = line.to_lowercase().strip_prefix("lambda-runtime-aws-request-id:") {
            id = value.trim().to_owned();
        }
    }
    reader.read_to_string(&mut text).unwrap();
    (id, text)
}

fn main() {
    loop {
        let (id, event) = ask("GET next", "", "");
        let mut runs = OpenOptions::new().create(true).append(true).open("../runs").expect("the file of runs");
        writeln!(runs, "{event}").unwrap();
        if event.contains("fail") {
            let error = r#"{"errorType": "AccountNotReady", "errorMessage": "it is being made"}"#;
            ask(&format!("POST {id}/error"), "Lambda-Runtime-Function-Error-Type: AccountNotReady\r\n", error);
        } else {
            ask(&format!("POST {id}/response"), "", r#"{"done": true}"#);
        }
    }
}
RS
cat >invoke.py <<'PY'
import json
import os
import pathlib
import socket
import subprocess
import time

import boto3
from botocore.exceptions import ClientError

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
command = ["../venv/bin/cargo-lambda", "lambda", "watch", "--ignore-changes", "--wait", "-A", "127.0.0.1", "-P", str(port)]
runs = pathlib.Path("runs")
with open("watch.log", "w") as log:
    watch = subprocess.Popen(command, cwd="step", stdout=log, stderr=log)
keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none", "region_name": "eu-west-1"}
client = boto3.client("lambda", endpoint_url=f"http://127.0.0.1:{port}", **keys)


def invoke(name, do, **how):
    runs.write_text("")
    try:
        answer = client.invoke(FunctionName=name, Payload=json.dumps({"do": do}), **how)
        said = f"{answer['StatusCode']} {answer['Payload'].read().decode()}"
    except ClientError as error:
        said = f"an error of the code {error.response['Error']['Code']!r}"
    ran = len(runs.read_text().splitlines())
    print(f"{do}{''.join(f', {value}' for value in how.values())}, by {name[:7]}: {said}, run {ran} times", flush=True)
    return said, ran


try:
    for _ in range(300):  # until it listens
        with socket.socket() as asked:
            if asked.connect_ex(("127.0.0.1", port)) == 0:
                break
        time.sleep(0.2)
    seen = [
        invoke("step", "succeed"), invoke("step", "succeed", InvocationType="Event"), invoke("step", "fail"),
        invoke("arn:aws:lambda:eu-west-1:111122223333:function:step", "succeed"),
    ]
finally:
    watch.terminate()
    watch.wait()
assert seen == [
    ('200 {"done": true}', 1), ('200 {"done": true}', 1), ("an error of the code '500'", 3), ("an error of the code '404'", 0),
], f"that has changed: this finding is out of date: {seen}"
PY
AWS_EC2_METADATA_DISABLED=true AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null venv/bin/python invoke.py
