import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Prove } from './frames.js';
import { type ClusterKey, macOf } from './keys.js';
import { badFrame } from './refusal.js';

/** What the head of a request says. Every field is part of what its MAC is of. */
export interface RequestHead {
  readonly version: number;
  readonly cluster: string;
  readonly from: string;
  readonly to: string;
  /** Milliseconds. */
  readonly time: number;
  /** Unlike that of any other request. */
  readonly nonce: string;
  readonly path: string;
  /** The body's SHA-256 in hex. */
  readonly body: string;
}

/** A head as it was received, and what is to prove it. */
export interface SealedHead extends RequestHead {
  readonly key: string | null;
  readonly mac: string | null;
}

/** The SHA-256 of bytes in hex. */
export const digestOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** The MAC of a request's head. */
export function sealRequest(key: ClusterKey, head: RequestHead): Buffer {
  const { version, cluster, from, to, time, nonce, path, body } = head;
  return macOf(key, ['git-kv-peer request', `${version}`, cluster, from, to, `${time}`, nonce, `POST ${path}`, body]);
}

/** The MAC of an answer's head: it belongs to one request, by its nonce. */
export function sealAnswer(key: ClusterKey, nonce: string, status: number, body: string): Buffer {
  return macOf(key, ['git-kv-peer answer', nonce, `${status}`, body]);
}

/** What proves the stream of a request or of its answer. Without a key, TLS does. */
export function proofOf(key: ClusterKey | null, nonce: string, what: 'request' | 'answer'): Prove {
  return (digest) => (key === null ? Buffer.alloc(0) : macOf(key, [`git-kv-peer end of ${what}`, nonce, digest.toString('hex')]));
}

/** A head as headers of HTTP. */
export function headersOf(head: RequestHead, key: ClusterKey | null): Record<string, string> {
  return {
    'git-kv-peer': `${head.version}`,
    'git-kv-cluster': head.cluster,
    'git-kv-from': head.from,
    'git-kv-to': head.to,
    'git-kv-time': `${head.time}`,
    'git-kv-nonce': head.nonce,
    'git-kv-body': head.body,
    ...(key === null ? {} : { 'git-kv-key': key.id, 'git-kv-mac': sealRequest(key, head).toString('hex') }),
  };
}

/** The version that a head names; null where it names none. */
export function versionIn(headers: IncomingHttpHeaders): number | null {
  const given = headers['git-kv-peer'];
  return typeof given === 'string' && /^[1-9]\d{0,5}$/.test(given) ? Number(given) : null;
}

/** Reads a head, strictly. Throws `PEER_REFUSED`. */
export function headIn(headers: IncomingHttpHeaders, path: string): SealedHead {
  const text = (name: string, grammar: RegExp): string => {
    const given = headers[`git-kv-${name}`];
    if (typeof given === 'string' && grammar.test(given)) return given;
    throw badFrame(`its head has no ${name}`);
  };
  const signed = headers['git-kv-key'] !== undefined || headers['git-kv-mac'] !== undefined;
  return {
    version: Number(text('peer', /^[1-9]\d{0,5}$/)),
    cluster: text('cluster', NAME),
    from: text('from', NAME),
    to: text('to', NAME),
    time: Number(text('time', /^\d{1,15}$/)),
    nonce: text('nonce', /^[A-Za-z0-9_-]{22}$/),
    path,
    body: text('body', /^[0-9a-f]{64}$/),
    key: signed ? text('key', NAME) : null,
    mac: signed ? text('mac', /^[0-9a-f]{64}$/) : null,
  };
}

/** What a server, a cluster or a key is called. */
export const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
