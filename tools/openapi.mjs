// @ts-check
// Writes openapi.json as the program serves it. `--check` compares instead, `--print` prints it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { createApp } from '../dist/app.setup.js';
import { loadConfig } from '../dist/config/config.js';
import { generateJwtKey } from '../dist/config/keys.js';
import { openApiDocument } from '../dist/core/openapi/openapi.js';

const file = join(import.meta.dirname, '..', 'openapi.json');

/** Nothing is asked of the stores: the addresses only have to look like some. */
async function currentDocument() {
  const uri = 'mongodb://127.0.0.1:9/openapi';
  const config = loadConfig({
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    MONGODB_URI: uri,
    MONGODB_SERVER_SELECTION_TIMEOUT_MS: '50',
    JWT_KEYS: generateJwtKey(),
    SECRET_KEY: 'signs nothing while the document is written',
  });
  const app = await createApp(config, uri);
  const document = openApiDocument(app);
  await app.close();
  return format(JSON.stringify(document), { parser: 'json', printWidth: 120 });
}

const text = await currentDocument();
if (process.argv.includes('--print')) {
  process.stdout.write(text);
} else if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
  console.log('openapi.json is written.');
} else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) {
  console.error('openapi.json is not what the program serves: run `npm run openapi`.');
  process.exitCode = 1;
}
