import type { Effect } from '../../domain/gateway/replicate/effects.js';
import type { Replica } from '../../domain/gateway/replicate/replica.js';
import type { Rules } from '../../domain/gateway/replicate/rules.js';
import type { LogFlaws } from './decisions.js';

/** A mistake that somebody could make, put around the machines or in the place of one of their rules. */
export interface Bug {
  readonly rules?: Partial<Rules>;
  /** The disk says that it has synced before it has. */
  readonly answersBeforeSync?: boolean;
  readonly log?: LogFlaws;
  /** Of several entries that are applied together, refs move by the first alone. */
  readonly movesFirstAlone?: boolean;
  /** What was stored and not applied is swept when a server starts. */
  readonly forgetsStored?: boolean;
  /** A server that leads again under one lock counts its attempts anew. */
  readonly forgetsAttempts?: boolean;
  /** What becomes of the effects of a step. */
  readonly effects?: (effects: readonly Effect[], replica: Replica) => readonly Effect[];
}

/** Nothing is wrong. */
export const SOUND: Bug = {};
