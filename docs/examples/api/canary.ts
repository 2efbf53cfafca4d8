/** Puts a new version before a tenth of the traffic, and before all of it where that goes well. `node canary.js SERVER API-KEY ERROR-RATE` */
import { AUTHOR, client, production } from './client.js';

const [server = 'http://127.0.0.1:8080', key = '', errorRate = '0.001'] = process.argv.slice(2);
const ask = client(server, key);
const repo = `/repos/canary-${errorRate.replace('.', '-')}`;

/** Stands for your load balancer: it reads what it is to serve from the branches that it routes to. */
async function deploy(routes: Record<string, number>): Promise<{ canaryErrorRate: number }> {
  for (const [branch, percent] of Object.entries(routes)) {
    const { content } = await ask<{ content: string }>('GET', `${repo}/files/version.json?ref=${branch}`);
    console.log(`${percent} % to ${JSON.parse(content).version} of ${branch}`);
  }
  return { canaryErrorRate: Number(errorRate) };
}

await production(ask, repo.slice('/repos/'.length), { 'version.json': '{"version":"1.0","features":[]}\n' });

// Create canary branch for new version
await ask('POST', `${repo}/branches`, { name: 'canary-v2.0', from: 'production' });
const { id } = await ask<{ id: string }>('POST', `${repo}/transaction`, { branch: 'canary-v2.0' });
const content = '{"version":"2.0","features":["new-auth"]}\n';
await ask('POST', `${repo}/transaction/${id}/add`, { path: 'version.json', content });
await ask('POST', `${repo}/transaction/${id}/commit`, { message: 'Version 2.0', author: AUTHOR });

// Route 10% of traffic to canary
const metrics = await deploy({ production: 90, 'canary-v2.0': 10 });

// Monitor and promote if successful
if (metrics.canaryErrorRate < 0.01) {
  await ask('POST', `${repo}/merge`, { from: 'canary-v2.0', to: 'production', author: AUTHOR });
  console.log('Canary deployment successful!');
} else {
  await ask('DELETE', `${repo}/branches/canary-v2.0`);
  console.log('Canary deployment failed, rolled back');
}
await deploy({ production: 100 });
