/** `npm run chaos -- --servers N`: servers of a cluster that are killed, stopped, cut off and starved under those who write to them. */
import { FAULTS } from './faults.js';
import { type ClusterPlan, type ClusterReport, type Phase, runCluster } from './run.js';

const { lines, ...plan } = JSON.parse(process.env['CHAOS'] ?? '{}') as ClusterPlan & { readonly lines?: boolean };
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const line = ({ fault, acknowledged, longest }: Phase): void =>
  console.log(`${fault}: ${acknowledged} writes acknowledged, none for ${seconds(longest)} at the longest`);
const began = performance.now();
const report = await runCluster({ ...plan, ...(lines === true ? { line } : {}) });

/** Faults × runs, for docs/TESTING.md. */
function table({ phases, violations, missing }: ClusterReport): string[] {
  const rows = FAULTS.filter(({ name }) => name.includes(plan.only ?? '')).map(({ name }) => {
    const runs = phases.filter(({ fault }) => fault === name);
    const why = missing.get(name);
    if (why !== undefined) return `| ${name} | not made: ${why} | | | |`;
    const acknowledged = runs.reduce((sum, one) => sum + one.acknowledged, 0);
    const longest = Math.max(0, ...runs.map((one) => one.longest));
    return `| ${name} | ${runs.length} | ${acknowledged} | ${violations.length} | ${seconds(longest)} |`;
  });
  return [
    '| fault | runs | acknowledged writes | lost, or wrong | longest without a write |',
    '|---|---:|---:|---:|---:|',
    ...rows,
  ];
}

const { history, violations, phases, longest, missing } = report;
const count = (outcome: string): number => history.writes.filter((write) => write.outcome === outcome).length;
console.log(
  [
    ...(plan.each === undefined ? [] : table(report)),
    `seed ${plan.seed}, ${plan.servers} servers, ${plan.writers} writers, ${Math.round((performance.now() - began) / 1000)} s`,
    `writes: ${history.writes.length} (${count('acknowledged')} acknowledged, ${count('refused')} refused, ${count('unknown')} unknown)`,
    `faults: ${phases.length}; longest without a write: ${seconds(longest)}`,
    ...[...missing].map(([name, why]) => `not made: ${name}: ${why}`),
    ...violations.map(({ rule, what }) => `WRONG (${rule}): ${what}`),
    violations.length === 0 ? 'lost: 0; nothing is wrong' : `${violations.length} things are wrong`,
  ].join('\n'),
);
process.exit(violations.length === 0 ? 0 : 1);
