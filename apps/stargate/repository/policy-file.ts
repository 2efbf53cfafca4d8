import { watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { PolicyStatus } from '../../../domain/admin/status.js';
import type { PolicyOrigin } from '../../../domain/gateway/commit/policy-ref.js';
import { KvError, toKvError } from '../../../ports/error.js';
import type { Policy, PolicyReader } from '../../../ports/policy-reader.js';
import type { Log } from '../log.js';
import type { Metrics } from '../metrics.js';
import type { PolicyReason } from './policy-origin.js';

/** A policy, and the text that says it. */
export interface LoadedPolicy {
  readonly policy: Policy;
  readonly text: string;
  /** Who changed it, as far as is known. */
  readonly origin: PolicyOrigin;
}

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
  readonly metrics: Pick<Metrics, 'policyRejected' | 'policyInForce'>;
  readonly log: Log;
}

const SETTLE_MS = 100;

/** Loads the policy and follows its file. Throws `CONFIG_INVALID` when the first version can't be used. */
export async function openPolicyFile(options: PolicyFileOptions): Promise<PolicyFile> {
  const { path, reader, onChange, metrics, log, originOf = async () => [] } = options;
  let current: LoadedPolicy = { ...(await load(path, reader)), origin: await originOf('start') };
  let since = new Date().toISOString();
  let complained = '';
  let queue: Promise<unknown> = Promise.resolve();

  const reload = (reason: PolicyReason = 'file changed'): Promise<boolean> => {
    const next = queue.then(async () => {
      try {
        const loaded = await load(path, reader);
        complained = '';
        metrics.policyInForce(true);
        if (loaded.text === current.text) return false;
        current = { ...loaded, origin: await originOf(reason) };
        since = new Date().toISOString();
        const changed = Object.fromEntries(current.origin.map(([name, value]) => [name.toLowerCase().replace('-', '_'), value]));
        log.info('policy.changed', { file: path, namespaces: [...loaded.policy.namespaces.keys()], ...changed });
        await Promise.resolve(onChange(current)).catch((error: unknown) =>
          log.error('policy.publish', { message: toKvError(error).message }),
        );
        return true;
      } catch (thrown) {
        const { message } = toKvError(thrown);
        metrics.policyInForce(false);
        if (message !== complained) {
          metrics.policyRejected();
          log.error('policy.rejected', { file: path, message, kept: 'the policy from before stays in force' });
        }
        complained = message;
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

async function load(path: string, reader: PolicyReader): Promise<Omit<LoadedPolicy, 'origin'>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new KvError('CONFIG_INVALID', `cannot read the policy ${path}: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`, {
      cause,
      hint: 'name it with --policy-path, or run git-kv-stargate init',
    });
  }
  return { policy: reader.parse(text, path), text };
}
