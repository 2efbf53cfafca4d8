import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { isKept, runKept } from './kept.js';
import type { Printed } from './messages.js';

/** Where commands of a shell are taken, until it is closed. */
export interface KeptServer {
  close(): Promise<void>;
}

/**
 * Takes commands from `kept-client`, which a shell finds in its PATH under the names of the programs, and runs them in processes that are
 * kept. What comes is fields, each behind its length: the program, where it is started, how many arguments there are, these, how many
 * variables, these, and its input. What goes is pieces: which output, length, bytes; a piece for output 0 is the exit code.
 */
export async function serveKept(socket: string): Promise<KeptServer> {
  const server = createServer({ allowHalfOpen: true }, (client) => void answer(client));
  server.listen(socket);
  await once(server, 'listening');
  return { close: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function answer(client: Socket): Promise<void> {
  client.on('error', () => undefined); // the shell has ended the command: what it would print is of no interest
  const pieces: Buffer[] = [];
  client.on('data', (piece: Buffer) => pieces.push(piece));
  await once(client, 'end');
  const { program, args, ...options } = parsed(Buffer.concat(pieces));
  const outcome = isKept(program)
    ? await runKept(program, args, options)
    : { code: 127, printed: [[2, Buffer.from(`no program is kept as ${program}\n`)] as Printed] };
  for (const [output, bytes] of outcome.printed) client.write(piece(output, bytes));
  client.end(piece(0, Buffer.from(String(outcome.code))));
}

interface Typed {
  readonly program: string;
  readonly cwd: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly input: Uint8Array;
}

function parsed(bytes: Buffer): Typed {
  let at = 0;
  const field = (): Buffer => {
    const length = bytes.readUInt32BE(at);
    at += 4 + length;
    return bytes.subarray(at - length, at);
  };
  const text = (): string => field().toString();
  const list = (): string[] => Array.from({ length: Number(text()) }, text);
  const [program, cwd, args] = [text(), text(), list()];
  const env = list().map((variable): [string, string] => {
    const [name = ''] = variable.split('=', 1);
    return [name, variable.slice(name.length + 1)];
  });
  return { program, cwd, args, env: Object.fromEntries(env), input: field() };
}

function piece(output: number, bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(output);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}
