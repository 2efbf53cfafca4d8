/** Every port: the name that a profile gives it, with its interface. Its contract suite is named after the interface too. */
export const PORTS = {
  'git-store': 'GitStore',
  'git-remote': 'GitRemote',
  'admin-client': 'AdminClient',
  'intent-stream': 'IntentStream',
  'fetch-record': 'FetchRecord',
  journal: 'Journal',
  'leader-lock': 'LeaderLock',
  'decision-log': 'DecisionLog',
  'peer-transport': 'PeerTransport',
  'mirror-target': 'MirrorTarget',
  chunker: 'Chunker',
  hasher: 'Hasher',
  signer: 'Signer',
  'signature-verifier': 'SignatureVerifier',
  clock: 'Clock',
  randomness: 'Randomness',
  'clone-cache': 'CloneCache',
  'clone-config': 'CloneConfig',
  'clone-config-writer': 'CloneConfigWriter',
  'policy-reader': 'PolicyReader',
  'repository-host': 'RepositoryHost',
  'object-exchange': 'ObjectExchange',
  'repository-upkeep': 'RepositoryUpkeep',
  'bundle-archive': 'BundleArchive',
  'git-service': 'GitService',
  tracing: 'Tracing',
  'bundle-reader': 'BundleReader',
  'command-runner': 'CommandRunner',
  'container-builder': 'ContainerBuilder',
} as const satisfies Readonly<Record<string, string>>;

/** The name a profile gives a port: `git-store`, `journal`, … */
export type PortName = keyof typeof PORTS;

/** Every port's name, in the order of the table. */
export const PORT_NAMES = Object.keys(PORTS) as readonly PortName[]; // the table's keys are the names

/** The token a port is bound to. `Symbol.for`, so that a plugin's own copy of this file means the same. */
export function tokenOf(port: PortName): symbol {
  return Symbol.for(`git-kv/${port}`);
}
