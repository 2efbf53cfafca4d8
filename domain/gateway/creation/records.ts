import type { ObjectFormat } from '../../../ports/vocabulary.js';

/** A repository that is to be, or was, made on all servers: what it begins with, the same on each. */
export interface Creation {
  /** A ULID, a dash, and the number of the try: of two creations of one name, the one that began first goes before the other. */
  readonly id: string;
  /** `owner/name`. */
  readonly repository: string;
  readonly policy: string;
  readonly objectFormat: ObjectFormat;
  readonly repositoryId: string;
  /** The server that decides it. */
  readonly coordinator: string;
  /** The servers that have its history together from the start, sorted; absent: each has its own. */
  readonly servers?: readonly string[];
}

/** A name that is kept for a creation. From `decided` on the repository is made, whatever happens. */
export interface Reservation {
  readonly creation: Creation;
  readonly state: 'prepared' | 'decided';
  /** It was heard of when others had it already, whose history this server is to fetch. */
  readonly learned?: boolean;
}

/** What a server asks another. */
export type CreationMessage =
  /** `servers` is how many there are, as whoever asks was told: two who were told differently would take different numbers for a majority. */
  | { readonly kind: 'prepare'; readonly creation: Creation; readonly servers: number }
  | { readonly kind: 'commit'; readonly creation: Creation }
  | { readonly kind: 'abort'; readonly id: string; readonly repository: string }
  /** What has become of a creation that the asked server decides. */
  | { readonly kind: 'outcome'; readonly id: string; readonly repository: string }
  /** What was created there after so many others. */
  | { readonly kind: 'since'; readonly after: number };

/** What a creation can have come to: `pending` until it is one of the others. */
export type CreationOutcome = 'decided' | 'aborted' | 'pending';

/** What a server answers. */
export type CreationAnswer =
  | { readonly kind: 'vote'; readonly vote: Vote }
  | { readonly kind: 'done' }
  | { readonly kind: 'outcome'; readonly outcome: CreationOutcome }
  | { readonly kind: 'created'; readonly creations: readonly Creation[]; readonly last: number };

/** `exists`: the name is taken. `reserved`: another creation has it. `invalid`: the repository can't be made so, or not by so many servers. */
export type Vote = 'yes' | 'exists' | 'reserved' | 'invalid';

/** Whether one creation goes before another of the same name. */
export function goesBefore(one: Creation, other: Creation): boolean {
  return begun(one) < begun(other);
}

/** When it was begun, told apart by the server where it is the same moment. */
const begun = ({ id, coordinator }: Creation): string => `${id.split('-', 1)[0]} ${coordinator}`;
