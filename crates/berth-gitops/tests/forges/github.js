// Holds what Berth sent to the stand-in of GitHub to what GitHub publishes: its GraphQL schema, and its OpenAPI.
const fs = require("fs");
const path = require("path");

const folder = path.resolve(process.argv[2]);
const { buildSchema, getOperationAST, getVariableValues, parse, validate } = require(path.join(folder, "github/node_modules/graphql"));
// 15.26.1 defines two fields of EnterpriseOwnerInfo twice: it is no valid SDL, and says what it says all the same.
const schema = buildSchema(fs.readFileSync(path.join(folder, "github/node_modules/@octokit/graphql-schema/schema.graphql"), "utf8"), { assumeValidSDL: true });
const openapi = JSON.parse(fs.readFileSync(path.join(folder, "github/package/generated/api.github.com.json"), "utf8"));
const requests = fs.readFileSync(path.join(folder, "github.jsonl"), "utf8").trim().split("\n").map((line) => JSON.parse(line));

// GraphQL: the document, and its variables against their types, down to the fields of input objects.
function graphql({ body }) {
  const document = parse(body.query);
  const errors = validate(schema, document);
  if (errors.length > 0) return errors.map(String);
  const operation = getOperationAST(document);
  const { errors: values } = getVariableValues(schema, operation.variableDefinitions ?? [], body.variables ?? {});
  return (values ?? []).map(String);
}

function resolved(node) {
  return node && node.$ref ? node.$ref.slice(2).split("/").reduce((at, key) => at[key], openapi) : node;
}

// REST: path, method, query and the fields of the body.
function rest({ method, path: asked, query, body }) {
  const plain = asked.replace(/^\/api\/v3/, "");
  const fits = (template) => new RegExp(`^${template.replace(/[.]/g, "\\.").replace(/\{(ref|basehead)\}/g, ".+").replace(/\{[^}]+\}/g, "[^/]+")}$`).test(plain);
  // The most literal path counts.
  const templates = Object.keys(openapi.paths).filter(fits).sort((a, b) => (a.match(/\{/g) ?? []).length - (b.match(/\{/g) ?? []).length);
  const operation = templates.map((template) => ({ template, operation: openapi.paths[template][method.toLowerCase()] })).find((found) => found.operation);
  if (!operation) return [`GitHub has no ${method} ${plain}`];
  const item = openapi.paths[operation.template];
  const parameters = [...(item.parameters ?? []), ...(operation.operation.parameters ?? [])].map(resolved);
  const known = parameters.filter((parameter) => parameter.in === "query").map((parameter) => parameter.name);
  const errors = Object.keys(query).filter((name) => !known.includes(name)).map((name) => `${operation.template} takes no ${name}`);
  const content = resolved(operation.operation.requestBody)?.content?.["application/json"];
  const wanted = resolved(content?.schema);
  if (body && wanted?.properties) {
    errors.push(...Object.keys(body).filter((name) => !(name in wanted.properties)).map((name) => `${operation.template} knows no field ${name}`));
    errors.push(...(wanted.required ?? []).filter((name) => !(name in body)).map((name) => `${operation.template} needs the field ${name}`));
  }
  seen.add(`${method} ${operation.template}`);
  return errors;
}

const seen = new Set();
const check = (request) => (request.path === "/api/graphql" ? graphql(request) : rest(request));
const wrong = new Set(requests.flatMap(check));

// Would it notice? Each of these differs from a request of Berth's in one word.
const commit = requests.find(({ body }) => body?.query?.includes("createCommitOnBranch"));
const signIn = requests.find((request) => request.path.endsWith("/access_tokens"));
const mistakes = [
  { ...commit, body: { ...commit.body, query: commit.body.query.replace("createCommitOnBranch", "commitOnBranch") } },
  { ...commit, body: { ...commit.body, variables: { input: { ...commit.body.variables.input, head: "0" } } } },
  { ...signIn, path: signIn.path.replace("access_tokens", "tokens") },
  { ...signIn, body: { ...signIn.body, repos: [] } },
  { ...signIn, query: { per: "1" } },
];
mistakes.forEach((mistake, at) => check(mistake).length > 0 || wrong.add(`mistake ${at} was not noticed`));
const documents = new Set(requests.filter((request) => request.path === "/api/graphql").map((request) => request.body.query));
console.log(`${requests.length} requests: ${documents.size} GraphQL documents, and\n  ${[...seen].sort().join("\n  ")}`);
const kinds = ["createCommitOnBranch", "pullRequests", "file(path"].filter((word) => ![...documents].some((text) => text.includes(word)));
if (kinds.length > 0 || seen.size < 7) wrong.add(`too little was recorded: ${kinds.join(", ")}`);
wrong.forEach((error) => console.error(`not as GitHub publishes it: ${error}`));
process.exit(wrong.size > 0 ? 1 : 0);
