import { shownText } from '../../ports/grammar/shown-text.js';
import { type ErrorCode, KvError } from '../../ports/index.js';

/** Why one endpoint has not answered a request as etcd does. */
export interface Fault {
  readonly code: ErrorCode;
  /** What follows "etcd at ADDRESS", in a few words. */
  readonly what: string;
  readonly hint: string;
  /** Another endpoint may do better. */
  readonly elsewhere: boolean;
  /** The request never got there, so that nothing can have come of it. */
  readonly unsent: boolean;
  readonly cause?: unknown;
}

/** What etcd itself has refused, by its gRPC status: for callers that know what to make of it. */
export class EtcdRefusal extends Error {
  constructor(
    /** The gRPC status: 5 is "not found". */
    readonly status: number,
    /** In etcd's words. */
    readonly words: string,
  ) {
    super(words);
  }
}

const NETWORK = 'check that etcd runs, that the address is right, and that nothing lies between';
const BROKEN = 'check that etcd runs there, whether it speaks TLS (http:// or https://), and whether it takes this certificate';
const AUTHORITY = 'name the certificate authority that signed etcd’s certificate (ca), and the address that stands in it';
const IDENTITY = 'name a client certificate that etcd’s own --trusted-ca-file has signed (cert), and its key (certKey)';

/** What the codes of failed system calls mean. */
const CALLS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections',
  ECONNRESET: 'broke the connection',
  EPIPE: 'broke the connection',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ETIMEDOUT: 'cannot be reached',
  ENOTFOUND: 'has a name that nobody knows',
  EAI_AGAIN: 'has a name that cannot be looked up',
};
/** Failures from before anything of a request was sent. */
const UNSENT = /^(?:ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
/** A certificate that Node's TLS, or OpenSSL below it, does not take. */
const DISTRUSTED = /^(?:UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_|ERR_TLS_CERT|HOSTNAME_MISMATCH)/;
const NO_TLS = /^(?:ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)$/;
const ALERT = /^ERR_SSL_.*ALERT/;

/** What became of a request that got no answer. */
export function faultOfCall(cause: unknown): Fault {
  const { code = '', message = String(cause) } = cause as NodeJS.ErrnoException;
  const fault = (kind: ErrorCode, what: string, hint: string, unsent: boolean): Fault => {
    return { code: kind, what, hint, elsewhere: true, unsent, cause };
  };
  if (DISTRUSTED.test(code)) {
    return fault('CONFIG_INVALID', `shows a certificate that is not trusted (${code}: ${shownText(message)})`, AUTHORITY, true);
  }
  if (ALERT.test(code)) return fault('CONFIG_INVALID', `refuses this side's certificate (${code})`, IDENTITY, true);
  if (NO_TLS.test(code)) return fault('CONFIG_INVALID', 'speaks no TLS', 'write its address with http://, or give it TLS', true);
  const hint = code === 'ECONNRESET' || code === 'EPIPE' ? BROKEN : NETWORK; // an etcd without TLS hangs up on who speaks it
  return fault('IO_ERROR', CALLS[code] ?? `cannot be asked (${shownText(message)})`, hint, UNSENT.test(code));
}

/** An endpoint that took too long, which says nothing of what has come of the request. */
export function faultOfSilence(ms: number): Fault {
  return { code: 'IO_ERROR', what: `did not answer within ${ms} ms`, hint: NETWORK, elsewhere: true, unsent: false };
}

/** What an answer that is none of success says. Throws `EtcdRefusal` for what only the caller can judge. */
export function faultOfAnswer(status: number, answer: unknown, text: string): Fault {
  const { code, message } = (answer ?? {}) as { readonly code?: unknown; readonly message?: unknown };
  const fault = (kind: ErrorCode, what: string, hint: string, elsewhere = true, unsent = false): Fault => {
    return { code: kind, what, hint, elsewhere, unsent };
  };
  if (typeof code !== 'number' || typeof message !== 'string') {
    if (/HTTPS server/.test(text))
      return fault('CONFIG_INVALID', 'speaks TLS alone', 'write its address with https://', true, true);
    const what = status === 404 ? 'has no JSON gateway of version 3' : `gave an answer that is none of etcd's (HTTP ${status})`;
    return fault('CONFIG_INVALID', what, 'name the client address of an etcd of version 3.4 or later', true, true);
  }
  const said = shownText(message);
  if (/space exceeded/.test(message)) {
    return fault('STORAGE_FULL', `has no room left (${said})`, 'compact and defragment etcd, then disarm its alarm', false);
  }
  if (code === 16 || /user name is empty/.test(message)) {
    return fault(
      'CONFIG_INVALID',
      `wants a user (${said})`,
      'name a user and a passwordFile, or a certificate that etcd knows',
      false,
      true,
    );
  }
  if (code === 7)
    return fault(
      'CONFIG_INVALID',
      `refuses this user (${said})`,
      'grant the user a role that may read and write the keys',
      false,
    );
  if (/authentication (?:failed|is not enabled)/.test(message)) {
    return fault(
      'CONFIG_INVALID',
      `takes no login of this user (${said})`,
      'see user and passwordFile, and that etcd has authentication switched on',
      false,
    );
  }
  // Cancelled, deadline exceeded, resource exhausted, unavailable: this one has no quorum, or too much to do.
  if ([1, 4, 8, 14].includes(code))
    return fault('IO_ERROR', `cannot answer now (${said})`, 'check that most of etcd’s members run');
  throw new EtcdRefusal(code, said);
}

/** The one error of a request that no endpoint has answered. */
export function errorOfFaults(faults: readonly (readonly [endpoint: string, fault: Fault])[]): KvError {
  const [, first] = faults.find(([, { code }]) => code !== 'CONFIG_INVALID') ?? faults[0] ?? [];
  const said = faults.map(([endpoint, { what }]) => `${endpoint} ${what}`);
  return new KvError(first?.code ?? 'IO_ERROR', `etcd: ${said.join('; ') || 'there was no time left to ask'}`, {
    hint: first?.hint ?? NETWORK,
    // Whoever must not ask twice learns whether something may have come of it.
    details: { uncertain: faults.some(([, { unsent }]) => !unsent) },
    ...(first?.cause === undefined ? {} : { cause: first.cause }),
  });
}
