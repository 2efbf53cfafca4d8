import { principal } from '../../domain/access/principal.js';
import { GitMemoryStore } from '../../adapters/git-memory/open.js';
import { decodeCommit } from '../../domain/git/commit.js';
import { toKvError } from '../../ports/error.js';
import { formatRejection } from '../../ports/rejection.js';
import type { Oid, RefName, RefUpdate } from '../../ports/vocabulary.js';
import { type SuiteSshKey, sshSign } from '../contracts/signature-verifier.js';
import type { Ran } from './processes.js';
import { Forger } from '../robustness/forger.js';
import { copyReachable } from './copy-objects.js';
import type { MemoryGateway } from './memory-gateway.js';

/** Builds transactions in a store of its own, and pushes them to a gateway in this process. */
export class MemoryForge extends Forger {
  readonly pushUrl = 'memory:gateway';

  constructor(
    readonly gateway: MemoryGateway,
    person: string,
    /** Everybody's keys, by name. */
    private readonly keys: ReadonlyMap<string, SuiteSshKey>,
  ) {
    super(person, new GitMemoryStore(gateway.store.objectFormat));
  }

  protected async fetch(names: readonly RefName[]): Promise<void> {
    const theirs = await this.gateway.store.refs(names);
    await copyReachable(this.gateway.store, this.store, theirs.values());
    const ours = await this.store.refs(['refs/forge/']);
    const moves = [...theirs].map(([name, next]): RefUpdate => {
      const ref = `refs/forge/${name}`;
      return { ref, old: ours.get(ref) ?? null, next };
    });
    await this.store.updateRefs(moves, 'fetch');
  }

  async sign(payload: Uint8Array, person: string): Promise<string> {
    const key = this.keys.get(person);
    if (key === undefined) throw new Error(`${person} has no key`);
    return sshSign(key, payload).trimEnd();
  }

  /** Understands `push [--atomic] [--force] <url> <refspec>…`; forced or not, what may move is the gateway's to say. */
  async push(args: readonly string[], person = this.person): Promise<Ran> {
    const [verb, ...rest] = args;
    const [url, ...specs] = rest.filter((arg) => !arg.startsWith('--'));
    if (verb !== 'push' || url !== this.pushUrl) throw new Error(`not understood: ${args.join(' ')}`);
    const theirs = await this.gateway.refs();
    const commands = await Promise.all(
      specs.map(async (spec): Promise<RefUpdate> => {
        const [source = '', ref = ''] = spec.replace(/^\+/, '').split(':');
        return { ref, old: theirs.get(ref) ?? null, next: source === '' ? null : await this.resolve(source) };
      }),
    );
    const pusher = principal(person, 'admin', 'writer', 'reader');
    try {
      await this.gateway.push({ pusher, atomic: rest.includes('--atomic'), commands, objects: this.store });
      return { code: 0, stdout: '', stderr: '' };
    } catch (error) {
      return { code: 1, stdout: '', stderr: `${formatRejection(toKvError(error))}\n` };
    }
  }

  /** An object id, or with `~1` the first parent's. */
  private async resolve(source: string): Promise<Oid> {
    const [oid = '', back] = source.split('~');
    if (back === undefined) return oid;
    const [commit] = await this.store.read([oid]);
    const parent = commit ? decodeCommit(commit.body, oid, this.store.objectFormat).parents[0] : undefined;
    if (back !== '1' || parent === undefined) throw new Error(`there is no ${source}`);
    return parent;
  }
}
