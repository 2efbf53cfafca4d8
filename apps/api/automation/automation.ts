import { join } from 'node:path';
import type { Repository } from '../../../domain/repo/repository.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import { toKvError } from '../../../ports/error.js';
import type { CommandRunner } from '../../../ports/sandbox/command-runner.js';
import type { ContainerBuilder } from '../../../ports/sandbox/container-builder.js';
import { Benchmarks } from '../benchmarks/benchmarks.js';
import { Checker } from '../checks/checker.js';
import { Checks } from '../checks/checks.js';
import { Commands } from '../commands/commands.js';
import { KeptLogs } from '../containers/build-log.js';
import type { Build } from '../containers/build.js';
import { Builds } from '../containers/builds.js';
import { Hooks } from '../hooks/hooks.js';
import { FactsOfEvents } from '../pool/event-facts.js';
import { KeptJson } from '../pool/kept-json.js';
import { SettingsOfRepositories } from '../pool/repository-settings.js';
import type { RepositoryWatcher } from '../pool/watcher.js';
import type { ApiSettings } from '../settings.js';
import { type DeliveryLog, MemoryDeliveries } from '../webhooks/deliveries.js';
import { KeptDeliveries } from '../webhooks/kept-deliveries.js';
import { send } from '../webhooks/send.js';
import { Webhooks } from '../webhooks/webhooks.js';

/** What a server does of itself with its repositories: checks, commands, hooks, webhooks, builds. */
export interface Automation extends RepositoryWatcher {
  readonly settings: SettingsOfRepositories;
  readonly facts: FactsOfEvents;
  readonly commands: Commands;
  readonly checks: Checks;
  readonly hooks: Hooks;
  readonly webhooks: Webhooks;
  readonly benchmarks: Benchmarks;
  readonly builds: Builds;
  /** Goes on with what a server before this one has not delivered of repositories that are kept, by their folders. */
  resume(folders: ReadonlyMap<string, string>, signal: AbortSignal): Promise<void>;
  /** Ends commands and builds that requests wait for. */
  end(): void;
  close(): Promise<void>;
}

/** What it is made of. */
export interface AutomationParts {
  readonly composition: Pick<Composition, 'open'>;
  readonly settings: ApiSettings;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Opens a repository and keeps it open for the work. */
  readonly use: <T>(id: string, work: (repository: Repository) => Promise<T>) => Promise<T>;
  /** Files that no command is to see, besides the data folder. */
  readonly hide: readonly string[];
  /** Is told of what failed and nobody waits for. */
  readonly log: (level: 'ERROR', message: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Puts it together. Programs are looked for when they are first needed. */
export async function openAutomation({
  composition,
  settings,
  clock,
  randomness,
  use,
  hide,
  log,
}: AutomationParts): Promise<Automation> {
  const { data } = settings;
  const hidden = [...(data === '' ? [] : [data]), ...hide];
  const now = (): number => clock.now();
  const ofRepositories = new SettingsOfRepositories();
  const facts = new FactsOfEvents(use);
  const commands = new Commands({
    named: settings.commands,
    atATime: settings.commandsAtATime,
    open: () => composition.open<CommandRunner>('command-runner', 'command-sandbox', { hide: hidden }),
  });
  const checker = new Checker();
  const checks = new Checks(checker, commands);
  const hooks = new Hooks({ settings: ofRepositories, checks, commands, use, now });
  const { webhookAttempts: attempts, webhookBackoff: backoff, webhookTimeout: timeout, webhooksPrivate: allowPrivate } = settings;
  const deliveries = new Map<string, DeliveryLog>();
  const keptDeliveries = (id: string, folder: string): DeliveryLog =>
    new KeptDeliveries(join(folder, 'git-kv-api-deliveries.jsonl'), ({ message }) =>
      log('ERROR', 'deliveries cannot be noted', { repository: id, error: message }),
    );
  const webhooks = new Webhooks({
    log: (id) => deliveries.get(id) ?? NO_LOG,
    ...{ settings: ofRepositories, facts, clock, randomness, attempts, backoff },
    send: (url, headers, body) => send(url, headers, body, { timeout, allowPrivate }),
  });
  const benchmarks = new Benchmarks(commands, now);
  const { containersProgram: program, containersNetwork: network } = settings;
  const builds = new Builds({
    ...{ use, now, time: settings.containersTimeout, memory: settings.containersMemory },
    builder: () =>
      composition.open<ContainerBuilder>('container-builder', 'buildah', {
        ...{ program, network, hide: hidden },
        ...(data === '' ? {} : { storage: join(data, 'images') }),
      }),
    isKept: (id) => deliveries.get(id)?.isKept ?? false,
    kept:
      data === ''
        ? null
        : {
            builds: new KeptJson<readonly Build[]>(join(data, 'builds.json')),
            logs: new KeptLogs(join(data, 'builds'), ({ message }) =>
              log('ERROR', 'what a build says cannot be kept', { error: message }),
            ),
          },
  });
  await builds.load();
  return {
    ...{ settings: ofRepositories, facts, commands, checks, hooks, webhooks, benchmarks, builds },
    async opening(id, folder) {
      await ofRepositories.load(id, folder === null ? null : join(folder, 'git-kv-api.json'));
      if (!deliveries.has(id)) deliveries.set(id, folder === null ? new MemoryDeliveries() : keptDeliveries(id, folder));
    },
    beforeCommit: (id) => hooks.beforeCommit(id),
    moved(id, event) {
      hooks.moved(id, event);
      void webhooks.moved(id, event).catch(() => undefined); // a filter that is none any more: nobody is told
    },
    removing(id) {
      builds.end(id);
      void deliveries.get(id)?.close(); // its file is about to go
    },
    async removed(id) {
      deliveries.delete(id);
      ofRepositories.forget(id);
      hooks.forget(id);
      benchmarks.forget(id);
      await builds.forget(id);
    },
    async resume(folders, signal) {
      for (const [id, folder] of folders) {
        if (signal.aborted) return;
        try {
          const all = await keptDeliveries(id, folder).all();
          if (all.some(({ state }) => state === 'pending')) await use(id, () => webhooks.resume(id));
        } catch (error) {
          log('ERROR', 'what was not delivered before is not delivered now', { repository: id, error: toKvError(error).message });
        }
      }
    },
    end: () => commands.end(),
    async close() {
      commands.end();
      await hooks.close();
      await builds.close();
      await webhooks.close();
      await Promise.all([...deliveries.values()].map((each) => each.close()));
      await commands.close();
      await checker.close();
    },
  };
}

/** Of a repository that is gone. */
const NO_LOG: DeliveryLog = {
  ...{ isKept: false, note: () => undefined, forget: () => undefined, all: async () => [], close: async () => undefined },
};
