import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';

// Jest runs CommonJS here, so every ESM-only package has to be compiled too. The list is read from
// node_modules, so that a new dependency needs no edit.
const root = import.meta.dirname;
const esmPackages = readdirSync(join(root, 'node_modules'))
  .flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(root, 'node_modules', name)).map((n) => `${name}/${n}`) : [name],
  )
  .filter((name) => {
    const manifest = join(root, 'node_modules', name, 'package.json');
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).type === 'module';
  });

const swc = (decorators) => [
  '@swc/jest',
  {
    jsc: {
      target: 'es2022',
      keepClassNames: true,
      parser: decorators ? { syntax: 'typescript', decorators: true } : { syntax: 'ecmascript' },
      transform: decorators ? { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false } : {},
    },
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  },
];

/** @type {import('jest').Config} */
export default {
  rootDir: root,
  roots: ['<rootDir>/src', '<rootDir>/test'],
  testMatch: ['**/*.spec.ts'],
  testEnvironment: 'node',
  transform: { '\\.ts$': swc(true), '\\.m?js$': swc(false) },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transformIgnorePatterns: [`/node_modules/(?!(?:${esmPackages.join('|')})/)`, '<rootDir>/dist/'],
  // Much of a test is waiting for others: two processes also where there are two cores, of which Jest would use one.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  // For what hangs. What has to be quick says so itself.
  testTimeout: 180_000,
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', '!src/**/*.spec.ts'],
  coverageReporters: ['text-summary', 'lcov'],
  reporters: ['default', '<rootDir>/tools/jest-counts.cjs'],
};
