import { AsyncLocalStorage } from 'node:async_hooks';
import type { BeginGroup } from '../../../domain/repo/persist/group-commit.js';
import type { Repository } from '../../../domain/repo/facade.js';
import type { Composition } from '../../../plugins/host/index.js';
import { NO_SPAN, type Span, type Tracing } from '../../../ports/tracing.js';
import type { ApiSettings } from '../settings.js';

/** Where spans go, and which of them what is done now belongs to. */
export interface Traces {
  readonly tracing: Tracing;
  /** Does what follows as a part of a span. */
  within<T>(span: Span, work: () => T): T;
  /** A repository whose uses are parts of the span that what is done now belongs to; itself where nobody follows. */
  follow(repository: Repository): Repository;
  /** A group of commits that is made durable, for whoever waits: a trace of its own. */
  readonly persisting: BeginGroup;
}

/** Opens what the settings name for it. Throws `CONFIG_INVALID` where it can't be had. */
export async function openTraces(composition: Pick<Composition, 'open'>, settings: ApiSettings): Promise<Traces> {
  const { tracingExporter: exporter, tracingEndpoint: endpoint, tracingRatio: ratio } = settings;
  const config = { service: 'git-kv-api', ratio: Number(ratio), ...(endpoint === '' ? {} : { endpoint }) };
  const tracing = await composition.open<Tracing>('tracing', `tracing-${exporter}`, exporter === 'otel' ? config : {});
  const current = new AsyncLocalStorage<Span>();
  return {
    tracing,
    persisting: (facts) => tracing.begin('api.persist', { facts }),
    within: (span, work) => current.run(span, work),
    follow(repository) {
      const span = current.getStore() ?? NO_SPAN;
      return span === NO_SPAN ? repository : followed(repository, span);
    },
  };
}

/** What the exporter is to see of the environment: the settings in place of what they say too. */
export function tracingEnv({ tracingEndpoint }: ApiSettings, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const named = { OTEL_SERVICE_NAME: 'git-kv-api', ...env };
  return tracingEndpoint === '' ? named : { ...named, OTEL_EXPORTER_OTLP_ENDPOINT: tracingEndpoint };
}

/** A repository of which each call is a span. */
function followed(repository: Repository, span: Span): Repository {
  return new Proxy(repository, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function' || typeof name !== 'string') return member;
      return (...args: unknown[]): unknown => {
        const piece = span.child('api.repository', { facts: { command: name } });
        try {
          const done: unknown = Reflect.apply(member, target, args);
          if (!(done instanceof Promise)) {
            piece.end();
            return done;
          }
          return done.then(
            (value: unknown) => {
              piece.end();
              return value;
            },
            (error: unknown) => {
              piece.end(error);
              throw error;
            },
          );
        } catch (error) {
          piece.end(error);
          throw error;
        }
      };
    },
  });
}
