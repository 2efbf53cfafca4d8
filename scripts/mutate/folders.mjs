/** What a client does with histories over time takes seconds a run and sees no more of these folders than the others do. */
const WHOLE = [
  'golden/*.test.js',
  'unit/ports/*.test.js',
  'unit/domain/!(time-travel|watch*).test.js',
  'robustness/*-memory.test.js',
];

/** Folder (or file) of the sources → the compiled tests that look at it, without a process or a server where that can be. */
export const FOLDERS = {
  'domain/index': WHOLE,
  'domain/ledger': WHOLE,
  'domain/verify': WHOLE,
  'domain/gateway': WHOLE,
  'adapters/journal-file': ['adapters/journal-file*.test.js'],
  'apps/stargate/ssh/auth.ts': ['stargate/ssh*.test.js', 'stargate/units.test.js'],
};
