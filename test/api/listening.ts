import { connect, type Socket } from 'node:net';
import type { ApiLog } from '../../apps/api/requests/log.js';
import type { HttpListener } from '../../apps/http/listen.js';
import { type TestApi, testApi } from './support.js';

/** A server of the test's own process that listens on a free port. */
export interface ListeningApi extends TestApi {
  readonly port: number;
  /** Bearer and token of the admin. */
  readonly authorization: string;
  /** Sends bytes as they are; gives what comes back until the server ends the connection. */
  raw(...pieces: readonly string[]): Promise<string>;
  /** A connection on which a request was sent. */
  open(request: string): Promise<Socket>;
  stop(grace?: number): Promise<void>;
}

/** Opens one. */
export async function listeningApi(env: Readonly<Record<string, string>> = {}, log?: ApiLog): Promise<ListeningApi> {
  const t = await testApi({ GIT_KV_API_PORT: '0', ...env }, undefined, process.env, log);
  const listener: HttpListener = await t.api.listen();
  const authorization = `Bearer ${await t.login('admin', t.password)}`;
  const open = (request: string): Promise<Socket> =>
    new Promise((resolve, reject) => {
      const socket = connect(listener.port, '127.0.0.1', () => {
        socket.write(request);
        resolve(socket);
      });
      socket.once('error', reject);
    });
  let stopped: Promise<void> | null = null;
  return {
    ...{ ...t, port: listener.port, authorization, open },
    async raw(...pieces) {
      const socket = await open(pieces[0] ?? '');
      socket.on('error', () => undefined); // a server that has said no may cut the rest off
      for (const piece of pieces.slice(1)) socket.write(piece);
      let text = '';
      for await (const bytes of socket) text += String(bytes);
      return text;
    },
    async stop(grace = 0) {
      stopped ??= (async () => {
        await listener.close(grace);
        await t.close();
      })();
      await stopped;
    },
  };
}

/** What a socket receives, until a test is content. Throws what `enough` was waiting for when the connection ends before. */
export async function until(socket: Socket, enough: RegExp): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    const take = (bytes: Buffer): void => {
      text += String(bytes);
      if (!enough.test(text)) return;
      socket.off('data', take);
      resolve(text);
    };
    socket.on('data', take);
    socket.once('close', () => reject(new Error(`the connection ended before ${String(enough)}: ${text}`)));
  });
}
