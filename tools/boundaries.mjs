// @ts-check
// Runs the import rules, and fails when fewer files were looked at than there are: a compiler that the linter does
// not understand makes it see nothing and succeed.
import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';
import { readdirSync, readFileSync } from 'node:fs';
import rules from '../.dependency-cruiser.mjs';

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const { forbidden, options } = rules;
const { output } = await cruise(['src'], { ...options, ruleSet: { forbidden }, validate: true }, undefined, {
  tsConfig: extractTSConfig('tsconfig.json'),
});
if (typeof output === 'string') throw new Error('the linter answered text');

const seen = output.modules.filter(({ source }) => source.startsWith('src/'));
const withImports = seen.filter(({ dependencies }) => dependencies.length > 0);
const importing = files.filter((file) => /^(import|export) .*from '/m.test(readFileSync(`src/${file}`, 'utf8')));
for (const { rule, from, to } of output.summary.violations) console.error(`${rule.name}: ${from} → ${to}`);
const blind = seen.length < files.length || withImports.length < importing.length;
if (blind) {
  console.error(
    `looked at ${seen.length} of ${files.length} files, found imports in ${withImports.length} of ${importing.length}`,
  );
}
if (blind || output.summary.violations.length > 0) process.exit(1);
console.log(`boundaries: ${seen.length} files, ${output.summary.totalDependenciesCruised} imports, all allowed`);
