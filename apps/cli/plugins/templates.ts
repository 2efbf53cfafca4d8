/** What may be begun. */
export const KINDS = ['mirror', 'lock', 'journal', 'chunker', 'command'] as const;

/** One of them. */
export type Kind = (typeof KINDS)[number];

interface Template {
  readonly index: (name: string) => string;
  readonly test: (name: string) => string;
  readonly more?: (name: string) => Readonly<Record<string, string>>;
}

/** The files of a package, by their paths: together short enough to be read at one go. */
export function packageFiles(kind: Kind, name: string, gitKv: string): Readonly<Record<string, string>> {
  const { index, test, more } = TEMPLATES[kind];
  return {
    'package.json': manifestOf(kind, name, gitKv),
    'tsconfig.json': TSCONFIG,
    'src/index.ts': index(name),
    ...more?.(name),
    'src/test.ts': test(name),
  };
}

/** The name of the package. */
export function packageName(name: string): string {
  return `git-kv-${name}`;
}

function manifestOf(kind: Kind, name: string, gitKv: string): string {
  const oclif = kind === 'command' ? '"@oclif/core": "^4.14.0", ' : ''; // for its types: git-kv brings the code
  return `{
  "name": "${packageName(name)}",
  "version": "0.1.0",
  "type": "module",
  "exports": "./dist/index.js",
  "files": ["dist"],
  "scripts": { "build": "tsc", "prepack": "tsc", "test": "tsc && node --test dist/test.js" },
  "peerDependencies": { "git-kv": ">=0.1.0" },
  "peerDependenciesMeta": { "git-kv": { "optional": true } },
  "devDependencies": { ${oclif}"@types/node": "^20", "git-kv": ${JSON.stringify(gitKv)}, "typescript": ">=5.9" },
  "oclif": {}
}
`;
}

const MANIFEST = 'export const manifest: PluginManifest = {';

/** Links are kept: git-kv is one, to where it is installed, and the types of its peers are found beside the link alone. */
const TSCONFIG = `{ "compilerOptions": { "module": "nodenext", "target": "es2022", "strict": true, "skipLibCheck": true, "preserveSymlinks": true,
    "experimentalDecorators": true, "types": ["node"], "rootDir": "src", "outDir": "dist" }, "include": ["src"] }
`;

const TEMPLATES: Readonly<Record<Kind, Template>> = {
  mirror: {
    index: (name) => `import type { MirrorTarget, OpenAdapter, PluginManifest } from 'git-kv/ports';

/** Begins as git's own push. Change one call at a time: the suite says what a mirror target owes. */
const open: OpenAdapter<unknown, MirrorTarget> = async (_config, context) => {
  const git = await context.open<MirrorTarget>('mirror-target', 'mirror-git');
  return {
    capabilities: git.capabilities, label: \`${name}: \${git.label}\`, wraps: git,
    push: (updates, signal) => git.push(updates, signal),
    refs: (patterns, signal) => git.refs(patterns, signal),
    fetch: (pairs) => git.fetch(pairs),
    close: () => git.close(),
  };
};
${manifestLine(name, 'mirror-target')}`,
    test: (name) => `import { openPlugin } from 'git-kv/host';
import type { MirrorTarget } from 'git-kv/ports';
import { mirrorBench, mirrorTargetContract } from 'git-kv/testing';
import { manifest } from './index.js';

mirrorTargetContract('${name}', () => mirrorBench((place) => openPlugin<MirrorTarget>(manifest, 'mirror-target', '${name}', place)));
`,
  },
  lock: {
    index: (name) => `import type { LeaderLock, OpenAdapter, PluginManifest } from 'git-kv/ports';

/** Begins as flock(1). Change one call at a time: the suite says what a lock owes. */
const open: OpenAdapter<unknown, LeaderLock> = async (_config, context) => {
  const flock = await context.open<LeaderLock>('leader-lock', 'lock-flock');
  return {
    capabilities: flock.capabilities,
    acquire: (holder) => flock.acquire(holder), holder: () => flock.holder(),
    close: () => flock.close(),
  };
};
${manifestLine(name, 'leader-lock')}`,
    test: (name) => `import { rm } from 'node:fs/promises';
import { openPlugin } from 'git-kv/host';
import type { LeaderLock } from 'git-kv/ports';
import { leaderLockContract, lockBench } from 'git-kv/testing';
import { manifest } from './index.js';

leaderLockContract('${name}', () => lockBench({
  manifest: new URL('./index.js', import.meta.url), name: '${name}', // a second process opens it by these
  open: (directory) => openPlugin<LeaderLock>(manifest, 'leader-lock', '${name}', { directory }),
  depose: (directory) => rm(\`\${directory}/.stargate/leader.lock\`),
}));
`,
  },
  journal: {
    index: (name) => `import type { Journal, OpenAdapter, PluginManifest } from 'git-kv/ports';

/** Begins as a file. Change one call at a time: the suite says what a journal owes. */
const open: OpenAdapter<unknown, Journal> = async (_config, context) => {
  const file = await context.open<Journal>('journal', 'journal-file');
  return {
    capabilities: file.capabilities,
    append: (record, options) => file.append(record, options),
    replay: () => file.replay(),
    rewrite: (records) => file.rewrite(records),
    close: () => file.close(),
  };
};
${manifestLine(name, 'journal')}`,
    test: (name) => `import { openPlugin } from 'git-kv/host';
import type { Journal } from 'git-kv/ports';
import { journalBench, journalContract } from 'git-kv/testing';
import { manifest } from './index.js';

journalContract('${name}', () => journalBench((directory) => openPlugin<Journal>(manifest, 'journal', '${name}', { directory })));
`,
  },
  chunker: {
    index: (name) => `import type { Chunker, OpenAdapter, PluginManifest } from 'git-kv/ports';

const SIZE = 4096;

/** Begins with pieces of one size. Every chunk is a part of the input, in order, and none is empty or larger than the spec says. */
const open: OpenAdapter<unknown, Chunker> = async () => ({
  spec: { mode: 'fixed', size: SIZE },
  async *chunks(input) {
    let rest: Uint8Array = new Uint8Array(0);
    for await (const piece of input) {
      rest = Buffer.concat([rest, piece]);
      for (; rest.length >= SIZE; rest = rest.subarray(SIZE)) yield rest.subarray(0, SIZE);
    }
    if (rest.length > 0) yield rest;
  },
});
${manifestLine(name, 'chunker')}`,
    test: (name) => `import { openPlugin } from 'git-kv/host';
import type { Chunker } from 'git-kv/ports';
import { chunkerContract } from 'git-kv/testing';
import { manifest } from './index.js';

chunkerContract('${name}', () => openPlugin<Chunker>(manifest, 'chunker', '${name}', { directory: '.' }));
`,
  },
  command: {
    index: (name) => `import type { PluginManifest } from 'git-kv/ports';

${MANIFEST}
  api: 1, id: '${packageName(name)}', adapters: [],
  commands: { '${name}': { summary: 'say hello', module: () => import('./command.js') } },
};
`,
    more: (name) => ({
      'src/command.ts': `import { Args, Command } from 'git-kv/command';

/** \`git kv ${name} [WHO]\`: an oclif command. */
export class command extends Command {
  static summary = 'say hello';
  static args = { who: Args.string({ default: 'world', description: 'whom to greet' }) };
  async run(): Promise<void> {
    const { args } = await this.parse(command);
    this.log(\`hello \${args.who}\`);
  }
}
`,
    }),
    test: (name) => `import { commandsContract } from 'git-kv/testing';
import { manifest } from './index.js';

commandsContract('${name}', async () => manifest);
`,
  },
};

function manifestLine(name: string, port: string): string {
  return `
${MANIFEST}
  api: 1, id: '${packageName(name)}', adapters: [{ port: '${port}', name: '${name}', module: async () => ({ open }) }],
};
`;
}
