import { during, type PortName, type Tracing } from '../../ports/index.js';

/** Does the work, with a span of its own around it. */
export type Traced = <T>(call: string, work: () => Promise<T>) => Promise<T>;

/** Calls of one port. Nobody tells an adapter what it is called for, so each span begins a trace. */
export function tracedCalls(tracing: Tracing, port: PortName): Traced {
  return (call, work) => during(tracing.begin('adapter.call', { facts: { command: `${port}.${call}` } }), work);
}
