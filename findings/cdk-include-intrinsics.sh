#!/usr/bin/env bash
# The CDK's CfnInclude refuses `Fn::Length`; of the same function written `!Length` it goes on with the bare list.
#
# Seen with aws-cdk-lib 2.276.0. CfnInclude takes a template of CloudFormation into a stack, say one that came from SAM or from a
# vendor. Functions of the transform AWS::LanguageExtensions it does not know: by their long names it says so and stops. In the
# short form of YAML the tag falls away, and what stood behind it goes on: three accounts are no longer 3 but the list, a custom
# resource gets an object for the JSON text that it was promised, and a tag's value changes. Of `Fn::FindInMap` the DefaultValue
# falls away in either form, so that the stack fails in the first region that has no entry. The YAML library warns of a tag that it
# does not know, the check that the CDK runs over what it made warns of the condition alone, and synth ends with 0. Compare the
# template that went in with the one that came out.
set -euo pipefail
command -v npm >/dev/null || { echo "needs npm"; exit 2; }
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund aws-cdk-lib@2.276.0 constructs@10.8.1 >/dev/null
cat >short.yaml <<'YAML'
Transform: AWS::LanguageExtensions
Mappings:
  Zones: {eu-west-1: {name: ireland}}
Conditions:
  Three: !Equals [!Length [a, b, c], 3]
Resources:
  Account:
    Type: Custom::Account
    Condition: Three
    Properties:
      ServiceToken: arn:aws:lambda:eu-west-1:111122223333:function:make
      Body: !ToJsonString {stage: dev}
      Owners: !Length [a, b]
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !FindInMap [Zones, !Ref AWS::Region, name, {DefaultValue: elsewhere}]
      Tags: [{Key: owners, Value: !Length [a]}]
YAML
sed 's/!Length \(\[[^]]*\]\)/{"Fn::Length": \1}/g' short.yaml >long.yaml
cat >include.js <<'JS'
const cdk = require("aws-cdk-lib"), { CfnInclude } = require("aws-cdk-lib/cloudformation-include")

function included(templateFile) {
  const app = new cdk.App({ analyticsReporting: false }), stack = new cdk.Stack(app, "Stack")
  new CfnInclude(stack, "Included", { templateFile })
  return app.synth().getStackArtifact("Stack").template
}
const show = value => JSON.stringify(value), { Conditions, Resources } = included("short.yaml")
const { Account: { Properties: account }, Queue: { Properties: queue } } = Resources
console.log(`!Length in a condition:  ${show(Conditions.Three)}`)
console.log(`!Length of a property:   ${show(account.Owners)}`)
console.log(`!Length of a tag:        ${show(queue.Tags[0].Value)}`)
console.log(`!ToJsonString:           ${show(account.Body)}`)
console.log(`!FindInMap with default: ${show(queue.QueueName)}`)
try {
  included("long.yaml")
  console.log("Fn::Length:              taken")
} catch (error) {
  console.log(`Fn::Length:              ${error.message.includes("Fn::Length") ? "refused" : error}`)
}
JS
TMPDIR="$folder" node include.js 2>warnings >seen || { cat warnings; exit 1; }
cat seen
cat >expected <<'SEEN'
!Length in a condition:  {"Fn::Equals":[["a","b","c"],3]}
!Length of a property:   ["a","b"]
!Length of a tag:        "a"
!ToJsonString:           {"stage":"dev"}
!FindInMap with default: {"Fn::FindInMap":["Zones",{"Ref":"AWS::Region"},"name"]}
Fn::Length:              refused
SEEN
cmp -s seen expected || { echo "that has changed: this finding is out of date"; exit 1; }
