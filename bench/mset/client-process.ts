import { readFileSync } from 'node:fs';
import { changeOf, operationsOf } from './change.js';
import { buildAndWrite } from './client.js';
import { NOW } from '../corpus.js';

/** One `buildAndWrite` in a process of its own: `node client-process.js JOB.json` prints what it gives. */
const { folder, repository, env, base, count, generation } = JSON.parse(readFileSync(process.argv[2] as string, 'utf8'));
const operations = operationsOf(changeOf(count, generation), NOW);
console.log(JSON.stringify(await buildAndWrite(folder, repository, env, base, operations)));
