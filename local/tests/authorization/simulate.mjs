// Decides the cases on standard input with @cloud-copilot/iam-simulate, which is installed in the folder that is named.
// One answer for each, "Allowed", "ImplicitlyDenied", "ExplicitlyDenied", or "error: …".
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(`${process.argv[2]}/`)
const { runSimulation } = await import(pathToFileURL(require.resolve('@cloud-copilot/iam-simulate')))
const named = (policies) => policies.map((policy, n) => ({ name: `policy${n}`, policy: { Version: '2012-10-17', ...policy } }))

const answers = []
for (const { request, policies } of JSON.parse(readFileSync(0, 'utf8'))) {
  const simulation = {
    request,
    identityPolicies: named(policies.identity),
    serviceControlPolicies: (policies.organization ?? []).map((level, n) => ({ orgIdentifier: `level${n}`, policies: named(level) })),
    resourceControlPolicies: [],
    ...(policies.boundary && { permissionBoundaryPolicies: named([policies.boundary]) }),
    ...(policies.session && { sessionPolicy: { Version: '2012-10-17', ...policies.session } }),
  }
  const result = await runSimulation(simulation, {})
  answers.push(result.resultType === 'error' ? `error: ${JSON.stringify(result.errors)}` : result.overallResult)
}
console.log(JSON.stringify(answers))
