import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isolatedEnv } from '../../test/support/worlds/isolated-env.js';

/** A server as it is installed, in a process of its own. */
export interface BenchServer {
  readonly port: number;
  readonly password: string;
  /** The most memory that it has had, MiB. */
  peak(): number;
  stop(): Promise<void>;
}

/** Starts one, with its data in a folder, or with none. */
export async function startApi(folder: string, env: Readonly<Record<string, string>> = {}): Promise<BenchServer> {
  const program = fileURLToPath(new URL('../../../bin/git-kv-api.js', import.meta.url));
  const own = { GIT_KV_API_PORT: '0', GIT_KV_API_LOG_LEVEL: 'ERROR', GIT_KV_API_PASSWORD_COST: '14', ...env };
  const limits = {
    GIT_KV_API_MEMORY_MAX_REPOSITORY: '2GiB',
    GIT_KV_API_MEMORY_MAX: '3GiB',
    GIT_KV_API_REQUESTS_PER_MINUTE: '100000000',
  };
  const child = spawn(process.execPath, [program], {
    env: { ...isolatedEnv(folder), ...limits, ...own },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  for await (const bytes of child.stdout) {
    said += String(bytes);
    if (said.includes('listens on')) break;
  }
  return {
    port: Number(/:(\d+)\n/.exec(said)?.[1]),
    password: /shown this once: (\S+)/.exec(said)?.[1] ?? '',
    peak: () => peakOf(child.pid ?? 0),
    stop: () => stopped(child),
  };
}

async function stopped(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await gone;
}

/** The most memory that a process has had, MiB; 0 once it is gone. */
export function peakOf(pid: number): number {
  try {
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024);
  } catch {
    return 0; // it has ended between two looks
  }
}

/** Git's own server behind a plain HTTP listener: a process of `git http-backend` a request. */
export interface Backend {
  readonly port: number;
  /** The most memory that all processes of one request have had together, MiB. */
  peak(): number;
  stop(): void;
}

/** Serves the bare repositories of a folder. */
export async function startBackend(folder: string): Promise<Backend> {
  let peak = 0;
  const server: Server = createServer((request, response) => {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const { 'content-type': type = '', 'content-encoding': encoding = '', 'git-protocol': protocol = '' } = request.headers;
    const child = spawn('git', ['-c', 'http.receivepack=true', 'http-backend'], {
      env: {
        ...isolatedEnv(folder),
        ...{ GIT_PROJECT_ROOT: folder, GIT_HTTP_EXPORT_ALL: '1', PATH_INFO: path, QUERY_STRING: query },
        ...{ REQUEST_METHOD: request.method ?? '', CONTENT_TYPE: type, HTTP_CONTENT_ENCODING: encoding },
        ...{ GIT_PROTOCOL: String(protocol), REMOTE_USER: 'dev', REMOTE_ADDR: '127.0.0.1' },
      },
    });
    const seen = new Map<number, number>();
    const look = setInterval(() => {
      for (const pid of familyOf(child.pid ?? 0)) seen.set(pid, Math.max(seen.get(pid) ?? 0, peakOf(pid)));
    }, 10); // it has ended after some tens of milliseconds on a quiet machine
    request.pipe(child.stdin);
    child.stdin.on('error', () => undefined); // it has read what it wanted
    let head: Buffer | null = Buffer.alloc(0);
    child.stdout.on('data', (bytes: Buffer) => {
      if (head === null) return void response.write(bytes);
      head = Buffer.concat([head, bytes]);
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      for (const line of head.toString('latin1', 0, end).split('\r\n')) {
        const [name = '', value = ''] = line.split(': ');
        if (name === 'Status') response.statusCode = Number.parseInt(value, 10);
        else response.setHeader(name, value);
      }
      response.write(head.subarray(end + 4));
      head = null;
    });
    child.once('close', () => {
      clearInterval(look);
      peak = Math.max(
        peak,
        [...seen.values()].reduce((sum, each) => sum + each, 0),
      );
      response.end();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, peak: () => peak, stop: () => void server.close() };
}

/** A process and those below it. */
function familyOf(pid: number): number[] {
  try {
    const below = readFileSync(join('/proc', String(pid), 'task', String(pid), 'children'), 'utf8');
    return [pid, ...below.split(' ').filter(Boolean).map(Number).flatMap(familyOf)];
  } catch {
    return [pid]; // it has ended between two looks
  }
}
