/** Reacts to infrastructure changes as they are made, until it has seen some. `node events.js SERVER API-KEY REPOSITORY EVENTS` */
import { AUTHOR, client } from './client.js';

const [server = 'http://127.0.0.1:8080', key = '', repo = 'infra', limit = '3'] = process.argv.slice(2);
const ask = client(server, key);
const done = new AbortController();
let seen = 0;

interface Event {
  branch: string | null;
  message: string;
  paths: string[];
}

/** Calls a function for each event that fits a filter. The server filters; a stream that breaks goes on with `Last-Event-ID`. */
async function watch(filter: Record<string, string>, react: (event: Event) => Promise<void> | void): Promise<void> {
  const url = `${server}/api/v1/repos/${repo}/watch?${new URLSearchParams(filter)}`;
  const response = await fetch(url, { headers: { 'X-API-Key': key }, signal: done.signal });
  console.log('watching', filter);
  let text = '';
  for await (const chunk of (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
    const events = (text + chunk).split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const data = /^data: (.*)$/m.exec(event)?.[1];
      if (data === undefined) continue;
      await react(JSON.parse(data));
      seen += 1;
      if (seen >= Number(limit)) done.abort();
    }
  }
}

const ended = (error: Error): void => {
  if (error.name !== 'AbortError') throw error;
};
await Promise.all([
  // Terraform files changed
  watch({ path: '*.tf' }, ({ branch, paths }) => console.log(`terraform plan on ${branch}: ${paths}`)).catch(ended),
  // Kubernetes manifests changed
  watch({ path: 'k8s/*.yaml' }, ({ branch, paths }) => console.log(`kubectl apply of ${branch}: ${paths}`)).catch(ended),
  // Security updates - auto-approve
  watch({ author: 'security-bot', branch: 'security' }, async ({ branch, message }) => {
    if (branch === null || !message.includes('security-patch')) return;
    await ask('POST', `/repos/${repo}/merge`, { from: branch, to: 'production', author: AUTHOR });
    console.log(`merged ${branch} into production`);
  }).catch(ended),
]);
