/** A gateway in this process, and what is attacked there. */
const GATEWAY = ['robustness/*-memory.test.js'];
/** The rules and formats, without the tests that try hundreds of random histories. */
const RULES = ['golden/*.test.js', 'unit/domain/{attestation,policy-rules,verify-*}.test.js'];

/** Folder (or file) of the sources → the compiled tests that look at it, the quickest first, without a process or a server where that can be. */
export const FOLDERS = {
  'domain/index': ['golden/*.test.js', 'unit/domain/{index-*,prefix-index}.test.js', ...GATEWAY],
  'domain/ledger': [...RULES, 'unit/domain/{ledger-*,key,epoch-logs,adopt,compact*}.test.js', ...GATEWAY],
  'domain/verify': [...RULES, 'unit/domain/adopt.test.js', ...GATEWAY],
  'domain/gateway': ['unit/domain/{commit,recover*,gateway-*,adopt,compact*,mirror,policy-rules,lease}.test.js', ...GATEWAY],
  'adapters/journal-file': ['adapters/journal-file*.test.js'],
  'apps/stargate/ssh/auth.ts': ['unit/ssh-auth.test.js'],
};
