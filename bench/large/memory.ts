import { readFileSync } from 'node:fs';

/** The most that processes of one name held at a time, each by itself. Bytes. */
export interface Peak {
  readonly name: string;
  /** With the pages of files that are mapped, such as packs, which the kernel takes back when it needs them. */
  readonly rss: number;
  readonly anonymous: number;
}

const EVERY_MS = 20;

/** Follows a process and everything below it through /proc; Linux alone has it. */
export function watchMemory(root: number): { stop(): Peak[] } {
  const peaks = new Map<string, Peak>();
  const look = (): void => {
    for (const pid of family(root)) {
      const found = readStatus(pid);
      if (found === undefined) continue;
      const before = peaks.get(found.name);
      peaks.set(found.name, {
        name: found.name,
        rss: Math.max(before?.rss ?? 0, found.rss),
        anonymous: Math.max(before?.anonymous ?? 0, found.anonymous),
      });
    }
  };
  look();
  const timer = setInterval(look, EVERY_MS);
  return {
    stop() {
      clearInterval(timer);
      look();
      return [...peaks.values()].sort((a, b) => b.rss - a.rss);
    },
  };
}

function family(root: number): number[] {
  const all = [root];
  for (const pid of all) {
    const children = read(`/proc/${pid}/task/${pid}/children`) ?? '';
    all.push(...children.split(' ').filter(Boolean).map(Number));
  }
  return all;
}

function readStatus(pid: number): Peak | undefined {
  const status = read(`/proc/${pid}/status`) ?? '';
  const kib = (field: string): number => 1024 * Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
  if (kib('VmHWM') === 0) return undefined; // it has ended, or not begun
  const words = (read(`/proc/${pid}/cmdline`) ?? '').split('\0');
  const program = words[0]?.slice(words[0].lastIndexOf('/') + 1) ?? '';
  const verb = words.slice(1).find((word) => /^[a-z]+(-[a-z]+)+$|^(push|fetch)$/.test(word));
  const name = program === 'git' && verb !== undefined ? `git ${verb}` : program;
  return { name, rss: kib('VmHWM'), anonymous: kib('RssAnon') };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // the process has ended meanwhile
  }
}
