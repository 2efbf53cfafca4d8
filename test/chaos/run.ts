/** `npm run chaos`: a Stargate that is killed and stopped under its writers; what is wrong with the ledger is printed. */
import { check } from './check.js';
import { WorldRun, type WorldPlan } from './world-run.js';

const plan = JSON.parse(process.env['CHAOS'] ?? '{}') as WorldPlan;
const began = performance.now();
const { history, ledgers, faults } = await WorldRun.of(plan);
const violations = check(history, ledgers);
const count = (outcome: string): number => history.writes.filter((write) => write.outcome === outcome).length;
const reasons = (): Map<string, number> => {
  const found = new Map<string, number>();
  for (const { outcome, code } of history.writes) {
    if (outcome === 'acknowledged') continue;
    const reason = `${outcome}, ${code ?? 'under way at the end'}`;
    found.set(reason, (found.get(reason) ?? 0) + 1);
  }
  return found;
};
const lines = [
  `seed ${plan.seed}, ${plan.writers} writers, ${Math.round((performance.now() - began) / 1000)} s`,
  `writes: ${history.writes.length} (${count('acknowledged')} acknowledged, ${count('refused')} refused, ${count('unknown')} unknown)`,
  ...[...reasons()].map(([reason, times]) => `  ${reason}: ${times}`),
  `reads: ${history.reads.length}`,
  ...ledgers.map(({ ns, entries }) => `ledger ${ns}: ${entries.length} commits`),
  `faults: ${Object.entries(faults)
    .map(([name, times]) => `${times} × ${name}`)
    .join(', ')}`,
  ...violations.map(({ rule, what }) => `WRONG (${rule}): ${what}`),
  violations.length === 0 ? 'nothing is wrong' : `${violations.length} things are wrong`,
];
console.log(lines.join('\n'));
process.exit(violations.length === 0 ? 0 : 1);
