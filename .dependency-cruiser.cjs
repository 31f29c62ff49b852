/** Imports point one way; see docs/architecture.md. Types count too: a type is a dependency on a concept. */
const rooms = {
  support: [],
  kubernetes: ['support'],
  telemetry: ['support'],
  queue: ['support', 'telemetry'],
  podspec: ['support', 'kubernetes'],
  runtime: ['support'],
  engine: ['support', 'kubernetes', 'podspec', 'runtime', 'queue'],
  apiserver: ['support', 'kubernetes', 'telemetry', 'queue'],
  provider: ['support', 'kubernetes', 'podspec', 'telemetry'],
  providers: ['support', 'kubernetes', 'podspec', 'provider', 'engine', 'runtime', 'queue'],
  node: ['support', 'kubernetes', 'telemetry', 'queue', 'apiserver', 'provider', 'podspec'],
  pods: ['support', 'kubernetes', 'telemetry', 'queue', 'apiserver', 'provider', 'podspec'],
  'local-fargate': ['support', 'runtime', 'telemetry'],
  'kubelet-api': ['support', 'kubernetes', 'telemetry', 'queue', 'apiserver', 'provider', 'podspec'],
};

const alternatives = (names) => `^src/(${names.join('|')})/`;

module.exports = {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'only-the-registry-knows-providers',
      comment: 'Providers are loaded on demand, by the registry alone.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(providers/|provider/registry\\.ts$)|\\.test\\.ts$' },
      to: { path: '^src/providers/' },
    },
    {
      name: 'only-main-knows-local-fargate',
      comment: 'It is a service of its own: the Fargate provider speaks to it as to AWS.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(local-fargate/|main\\.ts$)|\\.test\\.ts$|/testing/' },
      to: { path: '^src/local-fargate/' },
    },
    {
      name: 'providers-do-not-know-each-other',
      severity: 'error',
      from: { path: '^src/providers/([^/]+)/' },
      to: { path: '^src/providers/([^/]+)/', pathNot: '^src/providers/$1/' },
    },
    {
      name: 'the-product-does-not-know-its-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$|/testing/' },
      to: { path: '^test/|/testing/|\\.test\\.ts$' },
    },
    ...Object.entries(rooms).map(([room, allowed]) => ({
      name: `${room}-imports`,
      severity: 'error',
      from: { path: `^src/${room}/`, pathNot: '\\.test\\.ts$|/testing/|^src/provider/registry\\.ts$' },
      to: { path: '^src/', pathNot: alternatives([room, ...allowed]) },
    })),
  ],
  options: {
    doNotFollow: { path: ['node_modules', '\\.test\\.ts$', '/testing/'] },
    parser: 'swc',
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
