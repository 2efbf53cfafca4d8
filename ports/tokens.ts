/** What the container is asked for. `Symbol.for`, so that a plugin's own copy of this file means the same. */
export const TOKENS = {
  GitStore: Symbol.for('git-kv/git-store'),
  GitRemote: Symbol.for('git-kv/git-remote'),
  AdminClient: Symbol.for('git-kv/admin-client'),
  FetchRecord: Symbol.for('git-kv/fetch-record'),
  Journal: Symbol.for('git-kv/journal'),
  LeaderLock: Symbol.for('git-kv/leader-lock'),
  MirrorTarget: Symbol.for('git-kv/mirror-target'),
  Chunker: Symbol.for('git-kv/chunker'),
  Hasher: Symbol.for('git-kv/hasher'),
  Signer: Symbol.for('git-kv/signer'),
  SignatureVerifier: Symbol.for('git-kv/signature-verifier'),
  Clock: Symbol.for('git-kv/clock'),
  Randomness: Symbol.for('git-kv/randomness'),
  CloneConfig: Symbol.for('git-kv/clone-config'),
  CloneConfigWriter: Symbol.for('git-kv/clone-config-writer'),
  PolicyReader: Symbol.for('git-kv/policy-reader'),
  RepositoryHost: Symbol.for('git-kv/repository-host'),
  RepositoryUpkeep: Symbol.for('git-kv/repository-upkeep'),
  BundleArchive: Symbol.for('git-kv/bundle-archive'),
  GitService: Symbol.for('git-kv/git-service'),
} as const;

/** The name a profile gives a port: `git-store`, `journal`, … */
export type PortName =
  | 'git-store'
  | 'git-remote'
  | 'admin-client'
  | 'fetch-record'
  | 'journal'
  | 'leader-lock'
  | 'mirror-target'
  | 'chunker'
  | 'hasher'
  | 'signer'
  | 'signature-verifier'
  | 'clock'
  | 'randomness'
  | 'clone-config'
  | 'clone-config-writer'
  | 'policy-reader'
  | 'repository-host'
  | 'repository-upkeep'
  | 'bundle-archive'
  | 'git-service';

export const PORT_NAMES: readonly PortName[] = [
  'git-store',
  'git-remote',
  'admin-client',
  'fetch-record',
  'journal',
  'leader-lock',
  'mirror-target',
  'chunker',
  'hasher',
  'signer',
  'signature-verifier',
  'clock',
  'randomness',
  'clone-config',
  'clone-config-writer',
  'policy-reader',
  'repository-host',
  'repository-upkeep',
  'bundle-archive',
  'git-service',
];

/** The token a port is bound to. */
export function tokenOf(port: PortName): symbol {
  return Symbol.for(`git-kv/${port}`);
}
