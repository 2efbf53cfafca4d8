import type { RootStatus } from '../../../domain/admin/root-status.js';
import type { ObjectFormat } from '../../../ports/vocabulary.js';

/** What an operator, or another server, may ask a server about all repositories of a root. */
export type RootRequest =
  | { readonly verb: 'status' | 'ping' }
  /** Another server is to lead. */
  | { readonly verb: 'transfer'; readonly server: string }
  /** The asked server is to lead: whoever leads is about to give the lock up. */
  | { readonly verb: 'stand' }
  /** Where a server is that is to join. */
  | { readonly verb: 'meet'; readonly server: string; readonly address: string }
  | {
      readonly verb: 'create';
      readonly repository: string;
      /** Null: what the root's template says. */
      readonly policy: string | null;
      readonly objectFormat: ObjectFormat;
    }
  | { readonly verb: 'remove'; readonly repository: string };

/** The answer: a status; how many other servers have done it too, and whether a majority has; or nothing to tell. */
export type RootAnswer =
  | { readonly root: RootStatus }
  | { readonly confirmed: number; readonly replicated: boolean }
  | { readonly done: true };
