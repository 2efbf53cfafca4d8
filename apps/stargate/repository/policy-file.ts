import { watch } from 'node:fs';
import { basename, dirname } from 'node:path';
import type { PolicyStatus } from '../../../domain/admin/status.js';
import type { PolicyOrigin } from '../../../domain/gateway/commit/policy-ref.js';
import { POLICY_REF } from '../../../domain/ledger/refs.js';
import { readRegularFile } from '../../../plugins/host/index.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { Policy, PolicyReader } from '../../../ports/stargate/policy-reader.js';
import type { Log } from '../log/log.js';
import type { PolicyReason } from './policy-origin.js';

/** A policy, and the text that says it. */
export interface LoadedPolicy {
  readonly policy: Policy;
  readonly text: string;
  /** Who changed it, as far as is known. */
  readonly origin: PolicyOrigin;
}

type Loaded = Omit<LoadedPolicy, 'origin'>;

/** The policy in force. A bad new version leaves the old one in force. */
export interface PolicyFile {
  readonly current: LoadedPolicy;
  readonly status: PolicyStatus;
  /** Reads the file again now. Never throws; true when a changed policy took effect. */
  reload(reason?: PolicyReason): Promise<boolean>;
  close(): void;
}

interface PolicyFileOptions {
  readonly path: string;
  readonly reader: PolicyReader;
  /** Called with each policy that takes effect after the first. */
  readonly onChange: (loaded: LoadedPolicy) => void | Promise<void> | undefined;
  /** Asked who changed the file, each time that it takes effect. */
  readonly originOf?: (reason: PolicyReason) => Promise<PolicyOrigin>;
  /** The text of the policy that was in force last, as it was published; null when there is none. Asked when the file can't be used. */
  readonly published?: () => Promise<string | null>;
  /** Told whether the file as it is now is in force, at first and after each look at it. */
  readonly judged?: (inForce: boolean) => void;
  /** Called for each version of the file that is not taken. */
  readonly onRejected?: () => void;
  readonly log: Log;
}

const SETTLE_MS = 100;

/**
 * Loads the policy and follows its file. A file that can't be used at the start leaves in force what was published last, and throws
 * `CONFIG_INVALID` where nothing was.
 */
export async function openPolicyFile(options: PolicyFileOptions): Promise<PolicyFile> {
  const { path, reader, onChange, log, originOf = async () => [] } = options;
  let complained = '';
  const rejected = (thrown: unknown, kept: string): void => {
    const { message } = toKvError(thrown);
    if (message !== complained) {
      options.onRejected?.();
      log.error('policy.rejected', { file: path, message, kept });
    }
    complained = message;
    options.judged?.(false);
  };
  const first = await load(path, reader).catch(async (thrown: unknown) => {
    const last = await loadPublished(reader, options.published);
    if (last === null) throw thrown;
    rejected(thrown, `the policy that was published last stays in force, as ${POLICY_REF} has it`);
    return last;
  });
  if (complained === '') options.judged?.(true);
  let current: LoadedPolicy = { ...first, origin: await originOf('start') };
  let since = new Date().toISOString();
  let queue: Promise<unknown> = Promise.resolve();

  const reload = (reason: PolicyReason = 'file changed'): Promise<boolean> => {
    const next = queue.then(async () => {
      try {
        const loaded = await load(path, reader);
        const mended = complained !== '';
        complained = '';
        options.judged?.(true);
        if (loaded.text === current.text) {
          if (mended) log.info('policy.mended', { file: path }); // whoever was alarmed by the rejection finds its end here
          return false;
        }
        current = { ...loaded, origin: await originOf(reason) };
        since = new Date().toISOString();
        const changed = Object.fromEntries(current.origin.map(([name, value]) => [name.toLowerCase().replace('-', '_'), value]));
        log.info('policy.changed', { file: path, namespaces: [...loaded.policy.namespaces.keys()], ...changed });
        await Promise.resolve(onChange(current)).catch((error: unknown) =>
          log.error('policy.publish', { message: toKvError(error).message }),
        );
        return true;
      } catch (thrown) {
        rejected(thrown, 'the policy from before stays in force');
        return false;
      }
    });
    queue = next;
    return next;
  };

  let settling: NodeJS.Timeout | undefined;
  const soon = (): void => {
    clearTimeout(settling);
    settling = setTimeout(() => void reload(), SETTLE_MS);
  };
  // The folder, not the file: editors and `mv` replace the file, and a watch would stay with the old one.
  const watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
    if (name === null || name === basename(path)) soon();
  });
  watcher.on('error', (error) => log.warn('policy.watch', { message: error.message }));
  const onHangup = (): void => void reload('hang-up');
  process.on('SIGHUP', onHangup);
  return {
    get current() {
      return current;
    },
    get status() {
      return { in_force_since: since, rejected: complained === '' ? null : complained };
    },
    reload,
    close() {
      clearTimeout(settling);
      watcher.close();
      process.off('SIGHUP', onHangup);
    },
  };
}

/** The policy that was published last; null when there is none, or none that this version can read. */
async function loadPublished(reader: PolicyReader, published: PolicyFileOptions['published']): Promise<Loaded | null> {
  const text = (await published?.()) ?? null;
  if (text === null) return null;
  try {
    return { policy: reader.parse(text, POLICY_REF), text };
  } catch (error) {
    if (KvError.is(error) && error.code === 'CONFIG_INVALID') return null; // the file's own fault is the one to be told
    throw error;
  }
}

/** More than any text has that a reader of policies takes. Bytes. */
const MOST_BYTES = 4 * 1024 ** 2;

/** The text of a policy file. Throws an error with a `code`. */
export async function readPolicyText(path: string): Promise<string> {
  return (await readRegularFile(path, MOST_BYTES)).toString('utf8');
}

async function load(path: string, reader: PolicyReader): Promise<Loaded> {
  let text: string;
  try {
    text = await readPolicyText(path);
  } catch (cause) {
    throw new KvError('CONFIG_INVALID', `cannot read the policy ${path}: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`, {
      cause,
      hint: 'name it with --policy-path, or run git-kv-stargate init',
    });
  }
  return { policy: reader.parse(text, path), text };
}
