import { writeSync } from 'node:fs';
import { main } from '../../../apps/cli/main.js';

/**
 * Runs command lines of `git kv`, one after another in this process, with standard output and standard error that say they are terminals;
 * `argv[2]` is their list in JSON. Prints the list of what came on the two.
 */
const lines = JSON.parse(process.argv[2] ?? '[]') as string[][];
let shown = '';
for (const stream of [process.stdout, process.stderr]) {
  Object.assign(stream, { isTTY: true, columns: 120, getWindowSize: () => [120, 40], hasColors: () => false });
  stream.setMaxListeners(0); // each run adds one
  stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    shown += typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8');
    const done = rest.at(-1);
    if (typeof done === 'function') done();
    return true;
  };
}
const outputs: string[] = [];
for (const line of lines) {
  shown = '';
  await main(line);
  outputs.push(shown);
}
const bytes = Buffer.from(JSON.stringify(outputs));
for (let at = 0; at < bytes.length; ) at += writeSync(1, bytes, at);
