import type { MirrorTarget, OpenAdapter, Tracing } from '../../ports/index.js';
import { type Traced, tracedCalls } from './traced.js';

export { type Traced, tracedCalls } from './traced.js';

/** A mirror target with a span around each call. Owns `target`. */
export function mirrorWithTrace(target: MirrorTarget, traced: Traced): MirrorTarget {
  return {
    get capabilities() {
      return target.capabilities;
    },
    get label() {
      return target.label;
    },
    wraps: target,
    push: (updates, signal) => traced('push', () => target.push(updates, signal)),
    refs: (patterns, signal) => traced('refs', () => target.refs(patterns, signal)),
    fetch: (pairs) => traced('fetch', () => target.fetch(pairs)),
    close: () => target.close(),
  };
}

/** Named under `wrap:` of a mirror target; while nothing is traced, nothing stands around it. */
export const open: OpenAdapter<undefined, MirrorTarget> = async (_config, context) => {
  const target = await context.get<MirrorTarget>('mirror-target');
  const tracing = await context.get<Tracing>('tracing');
  return tracing.isOn ? mirrorWithTrace(target, tracedCalls(tracing, 'mirror-target')) : target;
};
