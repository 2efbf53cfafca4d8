import { existsSync, readFileSync, rmSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { Profiler } from 'node:inspector';
import { until } from '../../test/support/until.js';

/** What a function's time goes to, by the source that it, or the nearest caller, is from; the first that fits. */
const PARTS: readonly (readonly [string, RegExp])[] = [
  ['SSH: packets and channels', /node_modules\/ssh2\/|stargate\/ssh\//],
  ['verifying writers', /signature-verifier|verify\/attestation/],
  ['signing', /ssh-signature/],
  ['packs: deflate, deltas, index', /git-cli\/(?:pack|objects)\//],
  ['names of objects: SHA-1, SHA-256, BLAKE3', /hasher-node|domain\/git\/object\.|ledger\/key/],
  ['refs and journal', /git-cli\/refs|journal-file|gateway\/commit/],
  ['the mirror: starting git, planning', /mirror|start-child/],
  [
    'trees and commits: building',
    /domain\/(?:git|index)\/|ledger\/(?:transaction|attestation|watchlog|intents-log|pointer|manifest)/,
  ],
  ['intents: reading, checking, answering', /domain\/|stargate\/intents/],
  ['lease, room on the disk, log, metrics', /lock-flock|stargate\//],
];

/** Shares of the processor time that a profile shows, each with its part in percent, and how much of the time was idle. */
export async function partsOf(file: string): Promise<{ parts: [string, number][]; idle: number }> {
  await until('the profile is written', () => existsSync(file) && readFileSync(file, 'utf8').endsWith('}'));
  const profile = JSON.parse(readFileSync(file, 'utf8')) as Profiler.Profile;
  rmSync(file); // the next one is written there
  const { nodes, samples = [], timeDeltas = [] } = profile;
  const parents = new Map(nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id] as const)));
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const sources = new Sources();
  const partOf = (id: number): string => {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const { callFrame } = byId.get(at) as Profiler.ProfileNode;
      const { functionName } = callFrame;
      if (functionName === '(idle)' || functionName === '(garbage collector)') return functionName;
      const source = sources.of(callFrame);
      const part = PARTS.find(([, pattern]) => pattern.test(source));
      if (part !== undefined) return part[0];
    }
    return "Node's own: promises, streams, sockets";
  };
  const known = new Map(nodes.map(({ id }) => [id, partOf(id)]));
  const times = new Map<string, number>();
  for (const [i, id] of samples.entries()) {
    const part = known.get(id) as string;
    times.set(part, (times.get(part) ?? 0) + (timeDeltas[i] ?? 0));
  }
  const all = [...times.values()].reduce((sum, time) => sum + time, 0);
  const idle = times.get('(idle)') ?? 0;
  times.delete('(idle)');
  const parts = [...times].map(([part, time]): [string, number] => [part, (100 * time) / (all - idle)]);
  return { parts: parts.sort(([, a], [, b]) => b - a), idle: (100 * idle) / all };
}

/** Where functions of the bundles were written. */
class Sources {
  private readonly maps = new Map<string, SourceMap | null>();

  of({
    url,
    lineNumber,
    columnNumber,
  }: {
    readonly url: string;
    readonly lineNumber: number;
    readonly columnNumber: number;
  }): string {
    if (!url.startsWith('file:')) return url;
    const path = fileURLToPath(url);
    let map = this.maps.get(path);
    if (map === undefined) {
      const file = `${path}.map`;
      map = existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : null;
      this.maps.set(path, map);
    }
    const entry = map?.findEntry(lineNumber, columnNumber);
    return entry !== undefined && 'originalSource' in entry ? entry.originalSource : path;
  }
}
