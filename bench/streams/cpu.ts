import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { World } from '../../test/support/worlds/world.js';

const TICKS_PER_S = 100;

/** Processor milliseconds, by whose they are. */
export interface CpuTimes {
  readonly stargate: number;
  /** The Git processes that the Stargate has started. */
  readonly git: number;
  /** The mirror's host: its end of each push, which is on this machine too. */
  readonly mirror: number;
  /** Whoever writes: their programs for SSH, and this process, which plays them. */
  readonly clients: number;
}

/** Counts the processor time of a world's Stargate, of what serves its mirror, and of its clients. */
export class CpuMeter {
  private readonly file: string;
  private clients: readonly number[] = [];

  private constructor(private readonly world: World) {
    this.file = join(world.dir, 'receive-pack-times');
  }

  /** Has the mirror's end of each push say what it took. */
  static async on(world: World): Promise<CpuMeter> {
    const meter = new CpuMeter(world);
    const program = join(world.dir, 'bin', 'counted-receive-pack');
    writeFileSync(program, `#!/bin/sh\ngit-receive-pack "$@"\ns=$?\ntimes >> '${meter.file}'\nexit $s\n`, { mode: 0o755 });
    const made = await world.git(world.repo, 'ada', ['config', 'remote.github-origin.receivepack', program]);
    if (made.code !== 0) throw new Error(made.stderr);
    return meter;
  }

  /** These processes are clients from now on. */
  watch(clients: readonly (number | undefined)[]): void {
    this.clients = clients.filter((pid) => pid !== undefined);
  }

  /** What has been used until now. */
  read(): CpuTimes {
    const { pid = 0 } = this.world;
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = ticks(pid);
    const living = childrenOf(pid).reduce((sum, child) => sum + sumOf(ticks(child)), 0);
    const mirror = this.receivePacks();
    const own = process.cpuUsage();
    return {
      stargate: ms(user + system),
      git: ms(endedUser + endedSystem + living) - mirror,
      mirror,
      clients: (own.user + own.system) / 1000 + ms(this.clients.reduce((sum, client) => sum + sumOf(ticks(client)), 0)),
    };
  }

  private receivePacks(): number {
    if (!existsSync(this.file)) return 0;
    const times = readFileSync(this.file, 'utf8').matchAll(/(\d+)m([\d.]+)s/g);
    return [...times].reduce((sum, [, minutes, seconds]) => sum + 1000 * (60 * Number(minutes) + Number(seconds)), 0);
  }
}

/** What was used between two readings, for each of `count` things. */
export function cpuEach(before: CpuTimes, after: CpuTimes, count: number): [number, number, number, number] {
  const each = (whose: keyof CpuTimes): number => (after[whose] - before[whose]) / count;
  return [each('stargate'), each('git'), each('mirror'), each('clients')];
}

const ms = (count: number): number => (count * 1000) / TICKS_PER_S;

const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, one) => sum + one, 0);

/** Processor time of a process, in user and system mode, and of those of its children that have ended; nothing of one that has gone. */
function ticks(pid: number): number[] {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return fields.slice(11, 15).map(Number);
  } catch {
    return []; // it has ended: its parent knows what it has used
  }
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}
