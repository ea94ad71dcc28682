// @ts-check
// Prints what CHANGELOG.md says of the version that a tag names: `node tools/release-notes.mjs v1.2.3`.
// Fails unless package.json names the same version and the changelog has something to say of it.
import { readFileSync } from 'node:fs';

const version = /^v(\d+\.\d+\.\d+(?:-[\w.]+)?)$/.exec(process.argv[2] ?? '')?.[1];
if (!version) fail('Usage: node tools/release-notes.mjs v1.2.3');
const { version: packaged } = JSON.parse(readFileSync('package.json', 'utf8'));
if (packaged !== version) fail(`The tag says ${version} and package.json ${packaged}.`);

const sections = readFileSync('CHANGELOG.md', 'utf8').split(/^## /m);
const notes = sections.find((section) => section.startsWith(`[${version}]`))?.replace(/^.*\n/, '');
if (!notes?.trim()) fail(`CHANGELOG.md says nothing of ${version}: rename its section Unreleased.`);
console.log(notes.trim());

/** @param {string} sentence @returns {never} */
function fail(sentence) {
  console.error(sentence);
  process.exit(1);
}
