/** Tries several infrastructure configurations side by side, and deploys the best. `node infrastructure.js SERVER API-KEY`; git-kv-api.yaml has its load test. */
import { AUTHOR, client, production } from './client.js';

const [server = 'http://127.0.0.1:8080', key = ''] = process.argv.slice(2);
const ask = client(server, key);

const configs = [
  { name: 'small', cpu: 2, memory: '4GB' },
  { name: 'medium', cpu: 4, memory: '8GB' },
  { name: 'large', cpu: 8, memory: '16GB' },
];

const file = ({ cpu, memory }: { cpu: number; memory: string }): string => `${JSON.stringify({ cpu, memory }, null, 2)}\n`;
await production(ask, 'infrastructure', { 'infra.json': file({ cpu: 1, memory: '2GB' }) });

// Each configuration gets its own isolated branch, and is checked there.
await ask('POST', '/repos/infrastructure/parallel-realities', { branches: configs.map(({ name }) => name) });
await Promise.all(
  configs.map(async (config) => {
    const reality = `/repos/infrastructure/parallel-realities/${config.name}`;
    await ask('POST', `${reality}/apply`, { changes: { 'infra.json': file(config) }, author: AUTHOR });
    const { valid } = await ask<{ valid: boolean }>('POST', `${reality}/validate`);
    if (!valid) await ask('DELETE', reality);
  }),
);

// Choose the best configuration: the one on which the operator's command is done first.
const { benchmarks, winner } = await ask<{ benchmarks: { reality: string; duration_ms: number }[]; winner: string | null }>(
  'POST',
  '/repos/infrastructure/benchmarks',
  { command: 'load-test' },
);
for (const { reality, duration_ms } of benchmarks) console.log(`${reality}: ${Math.round(duration_ms)} ms`);

// Deploy the winning configuration; the others are dropped.
if (winner === null) throw new Error('none of them is good');
await ask('POST', `/repos/infrastructure/parallel-realities/${winner}/promote`, { to: 'production', author: AUTHOR });
for (const { reality } of benchmarks)
  if (reality !== winner) await ask('DELETE', `/repos/infrastructure/parallel-realities/${reality}`);
const { content } = await ask<{ content: string }>('GET', '/repos/infrastructure/files/infra.json?ref=production');
console.log(`production: ${winner}, cpu ${JSON.parse(content).cpu}`);
