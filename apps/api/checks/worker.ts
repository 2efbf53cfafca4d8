import { parentPort } from 'node:worker_threads';
import { checkFiles, type Question } from './check-files.js';

/** The thread in which files of clients' are looked into: a pattern may go on for ever, and nobody waits for it here. */
parentPort?.on('message', ({ id, question }: { readonly id: number; readonly question: Question }) => {
  parentPort?.postMessage({ id, faults: checkFiles(question) });
});
