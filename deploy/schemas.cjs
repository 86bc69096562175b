// Compiles published JSON Schemas in ajv 8 as it comes: strict, without formats. `make check` runs it:
//   node deploy/schemas.cjs FOLDER_WITH_AJV SCHEMA...
'use strict';

const fs = require('node:fs');
const path = require('node:path');

const [folder, ...files] = process.argv.slice(2);
const ajv = (part) => require(path.join(path.resolve(folder), 'node_modules/ajv', part)).default;

// Two drafts, two classes: https://ajv.js.org/json-schema.html
const classes = {
  'https://json-schema.org/draft/2020-12/schema': ajv('dist/2020.js'),
  'http://json-schema.org/draft-07/schema#': ajv('dist/ajv.js'),
};

let wrong = files.length === 0 ? 1 : 0;
for (const file of files) {
  const schema = JSON.parse(fs.readFileSync(file, 'utf8'));
  const Ajv = classes[schema.$schema];
  try {
    if (!Ajv) throw new Error(`its draft is ${schema.$schema}`);
    // All of strict mode: by default a part of it is only logged, or off.
    const validate = new Ajv({ strict: true, allErrors: true }).compile(schema);
    if (validate({ version: 'none', nobody: 'knows' })) throw new Error('it takes whatever comes');
    console.log(`ajv ${require(path.join(path.resolve(folder), 'node_modules/ajv/package.json')).version} compiles ${file}`);
  } catch (error) {
    wrong = 1;
    console.error(`${file}: ${error.message}`);
  }
}
process.exit(wrong);
