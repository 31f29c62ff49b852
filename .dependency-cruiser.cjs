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
    doNotFollow: { path: 'node_modules' },
    parser: 'swc',
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types'] },
  },
};
