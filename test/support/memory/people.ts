import { renderPolicy } from '../../../apps/stargate/repository/policy-template.js';
import { type Identify, identifyBy } from '../../../apps/stargate/ssh/auth.js';
import type { Principal } from '../../../domain/access/principal.js';
import { parseSshKey } from '../../../ports/grammar/network/ssh-key.js';
import type { Policy } from '../../../ports/stargate/policy-reader.js';
import type { Signer } from '../../../ports/clone/signer.js';
import { type SuiteSshKey, sshKey, sshSign } from '../../contracts/signature-verifier.js';

/** People with SSH keys that no file holds; whoever is asked about has one from then on. */
export class MemoryPeople {
  private readonly keys = new Map<string, SuiteSshKey>();

  /** Signs as Git would with this person's key. */
  signer(person: string): Signer {
    return {
      sign: async (payload) => sshSign(this.key(person), payload).trimEnd(),
      publicKey: async () => this.key(person).line,
    };
  }

  /** The policy that `init` writes: all of these are writers, and the first one is the admin. */
  policyText(writers: readonly string[], namespaces: readonly string[]): string {
    const lines = writers.map((person) => `${this.key(person).line} ${person}`);
    return renderPolicy({ pushUrl: null, admins: lines.slice(0, 1), writers: lines, readers: [], namespaces });
  }

  /** Whom a policy takes a person for who comes with their key, as the SSH server finds out; null for a stranger. */
  pusher(person: string, policy: Policy): Principal | null {
    const identify: Identify = identifyBy(policy);
    const key = parseSshKey(this.key(person).line);
    if (typeof key !== 'object') throw new Error(`${person}'s key can't be read`);
    return identify(key.type, key.blob);
  }

  /** A person's public key, as an authorized_keys line without a comment. */
  line(person: string): string {
    return this.key(person).line;
  }

  private key(person: string): SuiteSshKey {
    const key = this.keys.get(person) ?? sshKey();
    this.keys.set(person, key);
    return key;
  }
}
