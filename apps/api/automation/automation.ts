import { join } from 'node:path';
import type { Repository } from '../../../domain/repo/repository.js';
import type { Composition } from '../../../plugins/host/index.js';
import type { Clock, Randomness } from '../../../ports/clock.js';
import type { CommandRunner } from '../../../ports/sandbox/command-runner.js';
import type { ContainerBuilder } from '../../../ports/sandbox/container-builder.js';
import { Benchmarks } from '../benchmarks/benchmarks.js';
import { Checker } from '../checks/checker.js';
import { Checks } from '../checks/checks.js';
import { Commands } from '../commands/commands.js';
import { type Build, Builds } from '../containers/builds.js';
import { Hooks } from '../hooks/hooks.js';
import { FactsOfEvents } from '../pool/event-facts.js';
import { KeptJson } from '../pool/kept-json.js';
import { SettingsOfRepositories } from '../pool/repository-settings.js';
import type { RepositoryWatcher } from '../pool/watcher.js';
import type { ApiSettings } from '../settings.js';
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
}

/** Puts it together. Programs are looked for when they are first needed. */
export async function openAutomation({
  composition,
  settings,
  clock,
  randomness,
  use,
  hide,
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
  const webhooks = new Webhooks({
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
    kept: data === '' ? null : new KeptJson<readonly Build[]>(join(data, 'builds.json')),
  });
  await builds.load();
  return {
    ...{ settings: ofRepositories, facts, commands, checks, hooks, webhooks, benchmarks, builds },
    opening: (id, folder) => ofRepositories.load(id, folder === null ? null : join(folder, 'git-kv-api.json')),
    beforeCommit: (id) => hooks.beforeCommit(id),
    moved(id, event) {
      hooks.moved(id, event);
      void webhooks.moved(id, event).catch(() => undefined); // a filter that is none any more: nobody is told
    },
    removing: (id) => builds.end(id),
    async removed(id) {
      for (const { id: webhook } of ofRepositories.of(id).webhooks) webhooks.forget(webhook);
      ofRepositories.forget(id);
      hooks.forget(id);
      benchmarks.forget(id);
      await builds.forget(id);
    },
    end: () => commands.end(),
    async close() {
      commands.end();
      await hooks.close();
      await builds.close();
      await webhooks.close();
      await commands.close();
      await checker.close();
    },
  };
}
