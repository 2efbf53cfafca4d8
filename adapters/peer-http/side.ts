import type { SecureContextOptions } from 'node:tls';
import type { PeerAddress, TrustedNetworks } from './addresses.js';
import type { KeyFile } from './keys.js';

/** What both halves of a server's side know: who it is, and how it proves it. */
export interface PeerSide {
  readonly self: string;
  readonly cluster: string;
  readonly protocol: number;
  /** Absent: certificates prove who speaks. */
  readonly keys: KeyFile | null;
  /** Absent: there is no TLS. */
  readonly identity: SecureContextOptions | null;
  readonly trusted: TrustedNetworks;
  readonly addresses: ReadonlyMap<string, PeerAddress>;
  /** How long nothing may move, ms. */
  readonly timeoutMs: number;
  /** How far two clocks may be apart, ms. */
  readonly toleranceMs: number;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Where requests go: one path a topic, with the repository behind it. */
export const pathOf = (topic: string, repository: string): string =>
  `/git-kv/peer/${topic}${repository === '' ? '' : `?repository=${encodeURIComponent(repository)}`}`;
