import { ATTACKS, type Endured, endure } from '../test/robustness/hostile/survival.js';
import { smallDaemon } from '../test/robustness/hostile/daemon-under-attack.js';
import { quantile, reportAll, type Sheet } from './report.js';

/**
 * What a Stargate with a heap of 256 MB and 1,000 descriptors goes through while it is attacked, one attack after the other and four at
 * a time, and what an honest writer sees of it. `node dist/bench/survival.js [MS]`
 */
const MS = Number(process.argv[2] ?? 8000);

const world = await smallDaemon({ writers: ['ada', 'eve'], readers: ['rob', 'ron'] }, 'ulimit -n 1000');
try {
  await world.clone('ada');
  await world.kv('ada', ['set', 'honest', 'first']);
  const { pid } = world;
  const rows: [string, ...(string | number)[]][] = [];
  const quiet = await endure(world, [], 0, 10);
  const usual = quantile(quiet.writes, 0.95);
  rows.push(row('nothing', quiet, usual));
  for (const attack of ATTACKS) rows.push(row(attack.name, await endure(world, [attack], MS), usual));
  for (let first = 0; first < 4; first++) {
    const group = ATTACKS.filter((_, i) => i % 4 === first);
    rows.push(row(group.map(({ name }) => name).join(' + '), await endure(world, group, MS), usual));
  }
  if (world.pid !== pid) throw new Error('the daemon is another one');
  const columns = ['by', 'honest writes', 'failed', 'p95 ms', 'of the usual', 'slowest ms', 'daemon at most, MiB'];
  const sheet: Sheet = { title: 'attack', columns, rows };
  reportAll('survival', [], { 'each for': `${MS / 1000} s` }, [sheet]);
} finally {
  await world.close();
}

function row(what: string, { who, writes, failed, peak }: Endured, usual: number): [string, ...(string | number)[]] {
  for (const text of failed.slice(0, 2)) console.error(text);
  const p95 = quantile(writes, 0.95);
  const by = [...new Set(who.split(', '))].join(', ') || '-';
  const times = [Math.round(p95), `${(p95 / usual).toFixed(1)}×`, Math.round(Math.max(...writes))];
  return [what, by, writes.length, failed.length, ...times, Math.round(peak)];
}
