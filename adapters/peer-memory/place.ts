import type { PeerHandler, PeerRequest } from '../../ports/index.js';

/** One server that can be reached in this process. */
export interface PlacedServer {
  readonly cluster: string;
  readonly protocol: number;
  handler: PeerHandler | null;
}

/** What becomes of a request on its way: it arrives, after so many milliseconds; or `lost`; or it arrives and its answer is lost. */
export type Weather = number | 'lost' | 'unanswered';

/** Where the servers of one process meet. */
export class PeerPlace {
  readonly servers = new Map<string, PlacedServer>();
  /** What the network does; a test gives another. */
  weather: (from: string, to: string, asked: PeerRequest) => Weather = () => 0;
}
