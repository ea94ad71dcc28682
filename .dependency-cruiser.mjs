/** The import rules of docs/architecture.md. `tools/boundaries.mjs` runs them and counts what was looked at. */
const module = 'src/modules/([^/]+)/';

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    {
      name: 'no-circles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['^src/(main|migrate|worker)\\.ts$', '\\.d\\.ts$', '\\.spec\\.ts$'] },
      to: {},
    },
    { name: 'unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'config-knows-nothing-of-ours',
      severity: 'error',
      from: { path: '^src/config/' },
      to: { path: '^src/', pathNot: '^src/config/' },
    },
    {
      name: 'core-knows-no-module',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^src/', pathNot: '^src/(core|config)/' },
    },
    {
      name: 'migrations-know-schemas-only',
      severity: 'error',
      from: { path: '^src/migrations/' },
      to: { path: '^src/', pathNot: ['^src/migrations/', '^src/core/mongo/', '\\.schema\\.ts$'] },
    },
    {
      name: 'embedded-imports-nothing-of-ours',
      severity: 'error',
      from: { path: '^src/embedded/' },
      to: { path: '^src/', pathNot: '^src/embedded/' },
    },
    {
      name: 'only-the-entry-points-know-the-embedded-server',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(main|worker)\\.ts$|^src/embedded/' },
      to: { path: '^src/embedded/' },
    },
    {
      name: 'modules-through-their-index',
      severity: 'error',
      from: { path: `^${module}` },
      to: { path: `^${module}`, pathNot: ['^src/modules/$1/', '^src/modules/[^/]+/index\\.ts$'] },
    },
    {
      name: 'modules-through-their-index-from-above',
      severity: 'error',
      from: { path: '^src/[^/]+\\.ts$' },
      to: { path: `^${module}`, pathNot: '^src/modules/[^/]+/index\\.ts$' },
    },
    {
      name: 'modules-look-down',
      severity: 'error',
      from: { path: '^src/modules/' },
      to: { path: '^src/[^/]+\\.ts$|^src/migrations/' },
    },
    {
      name: 'users-is-a-leaf',
      severity: 'error',
      from: { path: '^src/modules/users/' },
      to: { path: '^src/modules/', pathNot: '^src/modules/users/' },
    },
    {
      name: 'tasks-and-auth-know-only-users',
      severity: 'error',
      from: { path: '^src/modules/(tasks|auth)/' },
      to: { path: '^src/modules/', pathNot: '^src/modules/($1|users)/' },
    },
    {
      name: 'nobody-knows-admin',
      severity: 'error',
      from: { path: '^src/modules/', pathNot: '^src/modules/admin/' },
      to: { path: '^src/modules/admin/' },
    },
    {
      name: 'mongoose-stays-in-its-room',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          '\\.(repository|schema|module)\\.ts$',
          '^src/core/mongo/',
          '^src/migrations/',
          '^src/core/events/outbox',
          '\\.spec\\.ts$',
        ],
      },
      to: { path: '^(node_modules/)?mongoose' },
    },
    {
      name: 'controllers-see-no-storage',
      severity: 'error',
      from: { path: '\\.controller\\.ts$' },
      to: { path: '\\.(repository|schema)\\.ts$' },
    },
    {
      name: 'no-rooms-without-an-idea',
      severity: 'error',
      from: {},
      to: { path: '/(common|shared|utils|helpers)/', pathNot: 'node_modules' },
    },
    {
      name: 'no-development-dependency-in-src',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.spec\\.ts$' },
      to: { dependencyTypes: ['npm-dev'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    combinedDependencies: false,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
