import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Principal, principalsOf, type Role } from '../../../domain/access/principal.js';
import { toKvError } from '../../../ports/error.js';
import type { Policy, PolicyReader } from '../../../ports/stargate/policy-reader.js';
import type { Log } from '../log/log.js';
import { readPolicyText } from '../repository/policy-file.js';

interface KeyIndexOptions {
  /** Gives the names of all repositories. */
  readonly list: () => Promise<readonly string[]>;
  /** Where a repository lies. */
  readonly folderOf: (name: string) => string;
  readonly reader: PolicyReader;
  /** Told of each repository that is new here, or whose policy file has changed, and whether it can be read. */
  readonly changed: (name: string, found: { readonly isNew: boolean; readonly readable: boolean }) => void;
  readonly log: Log;
  /** How many policy files are read at a time. */
  readonly atOnce?: number;
}

/** One repository's keys, as its policy listed them when it was looked at. */
interface Listed {
  /** Changes when the file does. */
  readonly stamp: string;
  readonly keys: ReadonlyMap<string, Principal>;
}

/** A key, in base64, with all that any repository lists it as. */
interface Somebody {
  readonly principal: Principal;
  readonly repositories: ReadonlySet<string>;
}

/**
 * Who may log in: a key that any repository's policy lists, since a client names its repository only after that. It is read from the policy
 * files, without opening repositories, so that who asks for one that doesn't list the key learns nothing of it, and makes nothing be opened.
 * What a key may do, its repository's policy in force decides.
 */
export class KeyIndex {
  private listed = new Map<string, Listed>();
  private somebodies = new Map<string, Somebody>();
  private looking: Promise<void> | undefined;

  constructor(private readonly options: KeyIndexOptions) {}

  /** How many repositories there were at the last look. */
  get size(): number {
    return this.listed.size;
  }

  /** Who a key is, anywhere; null for a stranger. */
  identify(key: Uint8Array): Principal | null {
    return this.somebodies.get(Buffer.from(key).toString('base64'))?.principal ?? null;
  }

  /** Whether a repository lists a key. */
  lists(name: string, key: Uint8Array): boolean {
    return this.somebodies.get(Buffer.from(key).toString('base64'))?.repositories.has(name) === true;
  }

  /** Takes the keys of a policy that is in force, whatever the file says. */
  note(name: string, policy: Policy): void {
    this.listed.set(name, { stamp: this.listed.get(name)?.stamp ?? '', keys: keysOf(policy) });
    this.merge();
  }

  /** Looks at all policy files; who comes while a look is being taken gets that one. Never throws. */
  look(): Promise<void> {
    this.looking ??= this.lookAfresh()
      .catch((error: unknown) => this.options.log.error('root.unread', { message: toKvError(error).message }))
      .finally(() => {
        this.looking = undefined;
      });
    return this.looking;
  }

  private async lookAfresh(): Promise<void> {
    const { list, atOnce = 16 } = this.options;
    const names = await list();
    const found = new Map<string, Listed>();
    let differs = names.length !== this.listed.size;
    const left = [...names];
    const work = async (): Promise<void> => {
      for (let name = left.pop(); name !== undefined; name = left.pop()) {
        const before = this.listed.get(name);
        const now = await this.lookAt(name, before);
        found.set(name, now);
        differs ||= now !== before;
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
    if (!differs) return;
    this.listed = found;
    this.merge();
  }

  private async lookAt(name: string, before: Listed | undefined): Promise<Listed> {
    const { folderOf, reader, changed, log } = this.options;
    const file = join(folderOf(name), '.kv', 'policy.yaml');
    const there = await stat(file, { bigint: true }).catch(() => null); // the repository may be gone, or about to be made
    const stamp = there === null ? 'none' : `${there.ino} ${there.size} ${there.mtimeNs} ${there.ctimeNs}`;
    if (before?.stamp === stamp) return before;
    const isNew = before === undefined;
    try {
      const keys = keysOf(reader.parse(await readPolicyText(file), file));
      changed(name, { isNew, readable: true });
      return { stamp, keys };
    } catch (error) {
      // Those in force stay; of one that was never read, whoever opens it will note those that were published last.
      log.warn('policy.unread', { repository: name, file, message: toKvError(error).message });
      changed(name, { isNew, readable: false });
      return { stamp, keys: before?.keys ?? new Map() };
    }
  }

  private merge(): void {
    const merged = new Map<string, { name: string; roles: Set<Role>; in: Set<string> }>();
    for (const [repository, { keys }] of this.listed) {
      for (const [key, { name, roles }] of keys) {
        const one = merged.get(key) ?? { name, roles: new Set(), in: new Set() };
        for (const role of roles) one.roles.add(role);
        one.in.add(repository);
        merged.set(key, one);
      }
    }
    this.somebodies = new Map(
      [...merged].map(([key, { name, roles, in: repositories }]) => [key, { principal: { name, roles }, repositories }]),
    );
  }
}

const keysOf = (policy: Policy): Listed['keys'] =>
  new Map(principalsOf(policy).map(({ key, principal }) => [Buffer.from(key.blob).toString('base64'), principal]));
