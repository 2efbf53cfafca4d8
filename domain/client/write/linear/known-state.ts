import type { NamespacePolicy } from '../../../../ports/stargate/policy-reader.js';
import type { Clone } from '../../clone/clone.js';
import { knownPublished, type Published } from '../../clone/policy/known-policy.js';
import { fetchNamespace } from '../../remote/fetch-namespace.js';
import { wrongMode } from '../../sequence/mode.js';

/** What a write goes by: what the Stargate has published, and whether the Stargate has been asked since the write began. */
export class KnownState {
  private constructor(
    private readonly clone: Clone,
    private readonly ns: string,
    /** Only a fetch moves it. */
    public published: Published,
    /** Nothing newer could be had by asking now. */
    public fresh: boolean,
  ) {}

  /** By what this clone has; `fresh` where nobody else has more. */
  static async of(clone: Clone, ns: string, fresh: boolean): Promise<KnownState> {
    return new KnownState(clone, ns, await knownPublished(clone), fresh);
  }

  /** The namespace's part of the policy; null where none is known. */
  get policy(): NamespacePolicy | null {
    return this.published.policy?.namespaces.get(this.ns) ?? null;
  }

  /** Fetches the Stargate's newest state, unless that was done. Throws as a fetch does. */
  async refreshOnce(): Promise<void> {
    if (this.fresh) return;
    await fetchNamespace(this.clone, this.ns, 'stargate');
    await this.reread();
  }

  /** After the newest state has come, by a fetch or with a turn. */
  async reread(): Promise<void> {
    this.published = await knownPublished(this.clone);
    this.fresh = true;
  }

  /** Throws `wrongMode` when the policy says that the ledger is sequenced. */
  requireLinear(): void {
    if (this.policy?.ledgerMode === 'sequenced') throw wrongMode(this.ns, 'sequenced');
  }
}
