#!/usr/bin/env bash
# iam-simulate is told the principal of a request, and evaluates aws:PrincipalArn as absent: an exempted role is denied.
#
# Seen with @cloud-copilot/iam-simulate 0.1.173. `request.principal` decides which policies count, but no context key is filled
# in from it or from the resource: aws:PrincipalArn, aws:PrincipalAccount, aws:ResourceAccount are missing unless they are given
# once more as contextVariables. AWS has them in every request. So a guardrail that denies everybody but the platform's role
# (ArnNotLike) denies that role as well, with `Denied` by the statement that exempts it, and an Allow for one's own account allows
# nothing. With ArnNotLike in an Allow the answer is wrong the other way. Give the three keys with each request.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @cloud-copilot/iam-simulate@0.1.173 >/dev/null
cat >simulate.mjs <<'JS'
import { runSimulation } from "@cloud-copilot/iam-simulate"

const account = "111122223333", platform = `arn:aws:iam::${account}:role/platform`
const policy = (name, ...Statement) => ({ name, policy: { Version: "2012-10-17", Statement } })
const all = policy("all", { Effect: "Allow", Action: "*", Resource: "*" })
const guardrail = policy("guardrail", {
  Effect: "Deny", Action: "ec2:DeleteVpc", Resource: "*", Condition: { ArnNotLike: { "aws:PrincipalArn": platform } },
})
const ownAccount = policy("own-account", {
  Effect: "Allow", Action: "ec2:DeleteVpc", Resource: "*", Condition: { StringEquals: { "aws:ResourceAccount": account } },
})
const keys = { "aws:PrincipalArn": platform, "aws:PrincipalAccount": account, "aws:ResourceAccount": account }

async function answer(serviceControlPolicies, identityPolicies, contextVariables) {
  const resource = { resource: `arn:aws:ec2:eu-west-1:${account}:vpc/vpc-1`, accountId: account }
  const request = { principal: platform, action: "ec2:DeleteVpc", resource, contextVariables }
  const scps = [{ orgIdentifier: "r-root", policies: serviceControlPolicies }]
  const simulation = { request, identityPolicies, serviceControlPolicies: scps, resourceControlPolicies: [] }
  const { analysis, overallResult, resultType } = await runSimulation(simulation, {})
  if (resultType === "error") throw new Error("the simulation is not valid")
  return overallResult ?? analysis.result
}

for (const [name, context] of [["as the library fills them in", {}], ["with the keys given", keys]]) {
  console.log(`${name}: ${await answer([all, guardrail], [all], context)} ${await answer([all], [ownAccount], context)}`)
}
JS
seen=$(node simulate.mjs)
echo "the platform's role, exempted by a guardrail, and allowed in its own account"
echo "$seen"
expected="as the library fills them in: ExplicitlyDenied ImplicitlyDenied
with the keys given: Allowed Allowed"
[ "$seen" = "$expected" ] || { echo "that has changed: this finding is out of date"; exit 1; }
