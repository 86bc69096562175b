#!/usr/bin/env bash
# Two CIDR libraries answer wrongly: one leaves in what it was told to exclude, one finds no overlap of a block and its container.
#
# Seen with fast-cidr-tools 0.3.4 ("cidr-tools but up to 20x faster") and subnet-cidr-calculator 1.0.12, beside cidr-tools 11.3.2
# and Python's ipaddress. `exclude(base, excluded)` passes over the block that follows one which fell out whole, if base has gaps:
# of three /24 in an excluded /16 the second stays free. It passes cidr-tools' tests; its issues 1 and 3 tell of other answers.
# isSubnetOverlap reckons the end of a range from the one octet that its prefix ends in, and a prefix of 8, 16 or 24 gets no more
# than its first addresses: a /24 in a /16 overlaps it in neither order, while the README's own example, a /20 in a /19, does. Who
# allocates with them hands a block out twice. Compare with a second library, or let IPAM allocate.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund fast-cidr-tools@0.3.4 cidr-tools@11.3.2 subnet-cidr-calculator@1.0.12 >/dev/null
cat >ask.mjs <<'JS'
import { exclude } from "fast-cidr-tools"
import { excludeCidr } from "cidr-tools"
import calculator from "subnet-cidr-calculator"

const free = ["10.0.0.0/24", "10.0.2.0/24", "10.0.4.0/24"], taken = ["10.0.0.0/16"]
console.log(`${free} without ${taken}`)
console.log(`fast-cidr-tools: ${exclude(free, taken).join() || "nothing"}`)
console.log(`cidr-tools: ${excludeCidr(free, taken).join() || "nothing"}`)
for (const [existing, wanted] of [["10.0.0.0/16", "10.0.1.0/24"], ["10.0.1.0/24", "10.0.0.0/16"], ["10.0.32.0/19", "10.0.32.0/20"]]) {
  const overlap = calculator.isSubnetOverlap([existing], wanted)
  console.log(`subnet-cidr-calculator: ${existing} and ${wanted} ${overlap ? "overlap" : "do not overlap"}`)
}
JS
cat >truth.py <<'PY'
from ipaddress import ip_network

for pair in (("10.0.0.0/16", "10.0.1.0/24"), ("10.0.1.0/24", "10.0.0.0/16"), ("10.0.32.0/19", "10.0.32.0/20")):
    existing, wanted = map(ip_network, pair)
    print(f"ipaddress: {existing} and {wanted} {'overlap' if existing.overlaps(wanted) else 'do not overlap'}")
PY
{ node ask.mjs; python3 truth.py; } >seen
cat seen
cat >expected <<'SEEN'
10.0.0.0/24,10.0.2.0/24,10.0.4.0/24 without 10.0.0.0/16
fast-cidr-tools: 10.0.2.0/24
cidr-tools: nothing
subnet-cidr-calculator: 10.0.0.0/16 and 10.0.1.0/24 do not overlap
subnet-cidr-calculator: 10.0.1.0/24 and 10.0.0.0/16 do not overlap
subnet-cidr-calculator: 10.0.32.0/19 and 10.0.32.0/20 overlap
ipaddress: 10.0.0.0/16 and 10.0.1.0/24 overlap
ipaddress: 10.0.1.0/24 and 10.0.0.0/16 overlap
ipaddress: 10.0.32.0/19 and 10.0.32.0/20 overlap
SEEN
cmp -s seen expected || { echo "that has changed: this finding is out of date"; exit 1; }
