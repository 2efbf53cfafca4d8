/// <reference lib="esnext.disposable" preserve="true" />
import type { Clone } from '../api/clone.js';

/** Which Stargate is written to, by whom, and how it is known to be the right one. */
export interface OpenStargateOptions {
  /** `ssh://[user@]host[:port]/path`, or `[user@]host:path`: the push URL of a clone. The user is `git` unless it says otherwise. */
  readonly url: string;
  /** The writer's Ed25519 private key, which logs in and signs: the text of an OpenSSH or PEM (PKCS #8) file, or the path of one. */
  readonly key: string | Uint8Array;
  /** What the key is encrypted with. */
  readonly passphrase?: string | undefined;
  /** Who writes, `Name <mail>`: the author of what is written. Default: `GIT_AUTHOR_NAME` and `GIT_AUTHOR_EMAIL` of `env`. */
  readonly author?: string | undefined;
  /** The namespace unless a call names another. Default `main`. */
  readonly namespace?: string | undefined;
  /** The fingerprint of the Stargate's host key, `SHA256:…`, or several of which one must be shown. Default: what `knownHosts` says. */
  readonly fingerprint?: string | readonly string[] | undefined;
  /** The path of a `known_hosts` file that names the Stargate. Default `~/.ssh/known_hosts`. */
  readonly knownHosts?: string | undefined;
  /** Where `HOME` and `GIT_AUTHOR_*` come from. Default: the process's own, as it is when the Stargate is opened. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Hears, in a sentence, what is to be known besides answers. Never a value. */
  readonly onWarning?: ((text: string) => void) | undefined;
  /** Gives up opening. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A Stargate, written to without any clone: what is written are intents to sequenced namespaces, many on one connection, each answered as it is
 * ordered. Calls may be made at any time, and land in the order of their answers. A connection that breaks is made again by the next call; a
 * call whose intent had been sent sends the same one again for 20 s, which orders it once, and says `IO_ERROR` with `details.landed` `unknown`
 * and the transaction when nobody could be asked.
 *
 * Every rejection is a `KvError`. Beside the codes at a `Clone`'s method of the same name, any may reject with `POLICY_VIOLATION` where the
 * namespace is not sequenced, and with `NOT_SUPPORTED` for what takes a clone: an intent that is larger than a frame of this Stargate, `wait`,
 * `dryRun`. The policy is not known here: what it has by default for values, such as a TTL that must be there, is for the caller to say.
 */
export interface Stargate
  extends Pick<Clone, 'ns' | 'objectFormat' | 'set' | 'setStream' | 'del' | 'transact' | 'cas'>,
    AsyncDisposable {
  /** The id of the Stargate's repository, which every intent names. */
  readonly repository: string;
  /** Ends all calls that are under way (`INTERRUPTED`), and leaves the connection. Idempotent; `await using` does it. */
  close(): Promise<void>;
}
