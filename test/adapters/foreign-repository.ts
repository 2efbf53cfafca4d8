// Opens somebody else's repository with an adapter, does what the refusal advises, and opens it again: one JSON line of what came of it.
// A program of its own, since libgit2 reads the configuration of its process's HOME, once.
import { execFileSync } from 'node:child_process';
import { KvError } from '../../ports/error.js';
import type { AdapterContext, GitStore } from '../../ports/index.js';

const [adapter, directory] = process.argv.slice(2) as [string, string];
const { open } = (await import(`../../adapters/${adapter}/open.js`)) as {
  open(config: undefined, context: Pick<AdapterContext, 'directory' | 'env'>): Promise<GitStore>;
};

const error = await open(undefined, { directory, env: process.env }).catch((thrown: unknown) => thrown);
if (!KvError.is(error)) throw new Error(`expected a KvError, got ${String(error)}`);
const advised = /: (git config --global --add safe\.directory \S+)$/.exec(error.hint ?? '')?.[1];
if (advised === undefined) throw new Error(`the hint has no command at its end: ${error.hint}`);
execFileSync('sh', ['-c', advised]);
const store = await open(undefined, { directory, env: process.env });
await store.close();
console.log(JSON.stringify({ code: error.code, message: error.message, advised }));
