import { lookup as systemLookup } from 'node:dns';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { performance } from 'node:perf_hooks';
import { isPublic } from './address.js';

/** How one attempt ended. */
export interface Sent {
  readonly status: number | null;
  /** Why there is no status. */
  readonly error: string | null;
  readonly duration: number;
  /** The address may not be reached: another attempt would be refused too. */
  readonly isRefused: boolean;
}

/** How things are sent. */
export interface SendOptions {
  readonly timeout: number;
  readonly allowPrivate: boolean;
  /** Resolves names; the system's unless a test has another. */
  readonly lookup?: LookupFunction;
}

class Refused extends Error {}

/** What is wrong with a URL for a webhook; null for nothing. Names are looked at when they are resolved. */
export function urlFault(text: string, allowPrivate: boolean): string | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !['http:', 'https:'].includes(url.protocol)) return 'is no http or https URL';
  if (url.username !== '' || url.password !== '') return 'holds a user name or a password: sign with the secret instead';
  const host = bareHost(url);
  if (host === '') return 'names no host';
  return isIP(host) !== 0 && !allowPrivate && !isPublic(host) ? NOT_ALLOWED : null;
}

const NOT_ALLOWED = 'leads to a private, loopback or link-local address';

/**
 * Posts a body once. What a name resolves to is judged where the connection is made, so that it is the address that is connected to. No
 * redirect is followed. Never throws.
 */
export function send(
  target: string,
  headers: Readonly<Record<string, string>>,
  body: string,
  { timeout, allowPrivate, lookup = systemLookup as LookupFunction }: SendOptions, // Node's own has one overload more
): Promise<Sent> {
  const began = performance.now();
  return new Promise((resolve) => {
    const end = (status: number | null, error: string | null, isRefused = false): void =>
      resolve({ status, error, isRefused, duration: performance.now() - began });
    const fault = urlFault(target, allowPrivate);
    if (fault !== null) return end(null, `the URL ${fault}`, true);
    const url = new URL(target);
    const start = url.protocol === 'https:' ? secureRequest : plainRequest;
    const length = String(Buffer.byteLength(body));
    const request = start(url, {
      ...{ method: 'POST', agent: false, lookup: allowPrivate ? lookup : publicOnly(lookup) },
      headers: { ...headers, 'Content-Length': length },
    });
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeout / 1000} s`)), timeout);
    request.once('response', (response) => {
      clearTimeout(timer);
      end(response.statusCode ?? null, null);
      request.destroy(); // what else it says is of no interest
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      end(null, error.message.slice(0, 300), error instanceof Refused);
    });
    request.end(body);
  });
}

/** Resolves a name, and refuses it unless all that it resolves to is public. */
function publicOnly(lookup: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, '', 0);
      const addresses = Array.isArray(found) ? found : [{ address: found, family: isIP(found) }];
      const bad = addresses.some(({ address }) => !isPublic(address));
      const [first] = addresses;
      if (bad || first === undefined) return callback(new Refused(`the URL ${NOT_ALLOWED}`), '', 0);
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}
