import { GitMemoryStore } from '../../../adapters/git-memory/open.js';
import { lacking } from '../../../adapters/remote-memory/lacking.js';
import type { Oid, RefName, RefUpdate } from '../../../ports/vocabulary.js';
import type { Ran } from '../programs/processes.js';
import { Forger } from '../../robustness/forger.js';
import type { MemoryGateway } from './gateway.js';

/** Builds transactions in a store of its own, and pushes them to a gateway in this process. */
export class MemoryForge extends Forger {
  readonly pushUrl = 'memory:gateway';
  /** What a push is to lack, though it names it. */
  withheld: (oid: Oid) => boolean = () => false;

  constructor(
    readonly gateway: MemoryGateway,
    person: string,
  ) {
    super(person, new GitMemoryStore(gateway.store.objectFormat));
  }

  protected async fetch(names: readonly RefName[]): Promise<void> {
    const theirs = await this.gateway.store.refs(names);
    await this.store.write(await lacking(this.gateway.store, this.store, [...theirs.values()], this.store.objectFormat));
    const ours = await this.store.refs(['refs/forge/']);
    const moves = [...theirs].map(([name, next]): RefUpdate => {
      const ref = `refs/forge/${name}`;
      return { ref, old: ours.get(ref) ?? null, next };
    });
    await this.store.updateRefs(moves, 'fetch');
  }

  sign(payload: Uint8Array, person: string): Promise<string> {
    return this.gateway.people.signer(person).sign(payload);
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
    const moving = commands.filter(({ old, next }) => old !== next);
    const tips = moving.flatMap(({ next }) => next ?? []);
    const needed = await lacking(this.store, this.gateway.store, tips, this.store.objectFormat);
    const objects = needed.filter(({ oid }) => !this.withheld(oid));
    const lines = await this.gateway.receive({
      as: person,
      atomic: rest.includes('--atomic'),
      commands: moving,
      objects,
      trace: null,
    });
    return { code: lines.length === 0 ? 0 : 1, stdout: '', stderr: lines.map((line) => `${line}\n`).join('') };
  }

  /** An object id, or with `~1` the first parent's. */
  private async resolve(source: string): Promise<Oid> {
    const [oid = '', back] = source.split('~');
    if (back === undefined) return oid;
    const [parent] = (await this.opened(oid)).parents;
    if (back !== '1' || parent === undefined) throw new Error(`there is no ${source}`);
    return parent;
  }
}
