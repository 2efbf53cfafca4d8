import type { ApiApp, ApiContext } from '../../requests/context.js';
import { benchmarkRoutes } from './benchmarks.js';
import { buildRoutes } from './builds.js';
import { definitionRoutes } from './definitions.js';
import { hookRoutes } from './hooks.js';
import { webhookRoutes } from './webhooks.js';

/** Checks, hooks, webhooks, benchmarks and containers. What they run ends when the server begins to. */
export function automationRoutes(app: ApiApp, context: ApiContext, closing: AbortSignal): void {
  closing.addEventListener('abort', () => context.automation.end(), { once: true });
  for (const add of [hookRoutes, webhookRoutes, benchmarkRoutes, definitionRoutes]) add(app, context);
  buildRoutes(app, context, closing);
}
