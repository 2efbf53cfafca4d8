/** A gateway in this process, and what is attacked there. */
const GATEWAY = ['robustness/*-memory.test.js'];
/** The rules and formats, without the tests that try hundreds of random histories. */
const RULES = [
  'golden/*.test.js',
  'unit/domain/verify/**/*.test.js',
  'unit/domain/client/verify/{verify-rules,verify-chain,verify-sizes,findings}.test.js',
  'unit/domain/ledger/{attestation,policy-rules,index-edges,index-walk}.test.js',
];

/** Folder (or file) of the sources → the compiled tests that look at it, without a process or a server where that can be. */
export const FOLDERS = {
  'domain/verify': [...RULES, 'unit/domain/gateway/epochs/adopt.test.js', ...GATEWAY],
  'domain/index': [
    'golden/*.test.js',
    'unit/domain/ledger/{index-*,prefix-index,list}.test.js',
    'unit/domain/verify/index/*.test.js',
  ],
  'domain/ledger': [
    ...RULES,
    'unit/domain/ledger/*.test.js',
    'unit/domain/client/epochs/*.test.js',
    'unit/domain/gateway/epochs/{adopt,compaction}.test.js',
    ...GATEWAY,
  ],
  'domain/gateway/gateway.ts': ['unit/domain/gateway/{gateway*,commit/*,accept/gateway-*}.test.js', ...GATEWAY],
  'domain/gateway/mutex.ts': ['unit/domain/gateway/{mutex,commit/lease}.test.js'],
  'domain/gateway/ref-snapshot.ts': ['unit/domain/gateway/ref-snapshot.test.js'],
  'domain/gateway/accept': ['unit/domain/gateway/accept/*.test.js', ...GATEWAY],
  'domain/gateway/commit': ['unit/domain/gateway/{commit/*,accept/gateway-*}.test.js', ...GATEWAY],
  'domain/gateway/epochs': ['unit/domain/gateway/epochs/*.test.js', 'unit/domain/client/epochs/*.test.js'],
  'domain/gateway/mirror': ['unit/domain/gateway/mirror/*.test.js', 'unit/domain/gateway/sync/{traces,sync}.test.js'],
  'domain/gateway/turns': ['unit/domain/gateway/turns/*.test.js'],
  'domain/gateway/sequence': [
    'unit/domain/gateway/sequence/*.test.js',
    'robustness/{sequenced,bad-intents}-memory.test.js',
    'unit/domain/client/sequenced/*.test.js',
  ],
  'domain/gateway/replicate': ['unit/domain/gateway/replicate/*.test.js', 'unit/parsers/cluster.test.js'],
  'domain/gateway/creation': ['unit/domain/gateway/creation/*.test.js'],
  'domain/gateway/limits': ['unit/domain/gateway/limits/*.test.js'],
  'domain/gateway/sync': ['unit/domain/gateway/sync/*.test.js'],
  'adapters/journal-file': ['adapters/journal-file*.test.js'],
  'apps/stargate/ssh/auth.ts': ['unit/stargate/ssh-auth.test.js'],
};
