import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  decodeAnswer,
  decodeGreeting,
  encodeFrame,
  encodeObjects,
  type Frame,
  FrameReader,
  type Greeting,
  type IntentAnswer,
} from '../../../domain/git/wire/intent-frames.js';
import type { NewObject } from '../../../ports/git/git-store.js';
import { parseRejection } from '../../../ports/rejection.js';
import type { Signer } from '../../../ports/clone/signer.js';
import { IntentMaker } from '../formats/intents.js';
import { sshOptions } from '../keys.js';
import type { World } from '../worlds/world.js';

/** Signs with a person's key of a world, as git does it. */
export const worldSigner = (world: Pick<World, 'key'>, person: string): Signer => ({
  async sign(payload) {
    const args = ['-Y', 'sign', '-n', 'git', '-f', world.key(person)];
    const { stdout, status, stderr } = spawnSync('ssh-keygen', args, { input: payload });
    if (status !== 0) throw new Error(stderr.toString());
    return stdout.toString().trimEnd();
  },
});

/** Makes intents for a world's Stargate. */
export const worldIntents = (world: World, repository: string): IntentMaker =>
  new IntentMaker({ signer: (person) => worldSigner(world, person) }, repository, world.hash);

/** Where a stream of intents goes, and whose keys there are: a world, or a server of a cluster. */
export interface IntentTarget {
  readonly dir: string;
  readonly port: number;
  key(person: string): string;
  env(person: string): NodeJS.ProcessEnv;
  /** More options of ssh. */
  readonly options?: readonly string[];
}

/** A stream of intents to a Stargate, frame by frame. */
export class IntentClient {
  private readonly frames: Frame[] = [];
  private readonly reader = new FrameReader(() => 2 ** 30);
  private wake: () => void = () => undefined;
  private over = false;
  readonly ended: Promise<number | null>;

  private constructor(readonly process: ChildProcess) {
    process.stdout?.on('data', (bytes: Buffer) => {
      this.reader.push(bytes);
      for (let frame = this.reader.next(); frame !== undefined; frame = this.reader.next()) this.frames.push(frame);
      this.wake();
    });
    process.stdin?.on('error', () => undefined); // the Stargate has hung up: what it said is read
    this.ended = new Promise((resolve) =>
      process.once('close', (code) => {
        this.over = true;
        this.wake();
        resolve(code);
      }),
    );
  }

  static open(world: IntentTarget, person: string): IntentClient {
    const known = sshOptions(world.key(person), `${world.dir}/known_hosts`);
    const args = [...known, ...(world.options ?? []), '-p', String(world.port)];
    const line = [...args, 'git@127.0.0.1', "git-kv-intents '/kv.git'"];
    return new IntentClient(spawn('ssh', line, { env: world.env(person), stdio: ['pipe', 'pipe', 'ignore'] }));
  }

  /** The next frame; undefined when the stream has ended. */
  async frame(): Promise<Frame | undefined> {
    for (;;) {
      const frame = this.frames.shift();
      if (frame !== undefined || this.over) return frame;
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }

  async greeting(): Promise<Greeting> {
    const frame = await this.frame();
    if (frame?.kind !== 'H') throw new Error(`no greeting: ${describe(frame)}`);
    return decodeGreeting(frame.payload);
  }

  async answer(): Promise<IntentAnswer> {
    const frame = await this.frame();
    if (frame?.kind !== 'A') throw new Error(`no answer: ${describe(frame)}`);
    return decodeAnswer(frame.payload);
  }

  send(objects: readonly NewObject[]): void {
    this.write(encodeFrame('I', encodeObjects(objects)));
  }

  write(bytes: Uint8Array): void {
    this.process.stdin?.write(bytes);
  }

  end(): void {
    this.process.stdin?.end();
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }
}

const describe = (frame: Frame | undefined): string =>
  frame === undefined
    ? 'the stream has ended'
    : `${frame.kind} ${parseRejection(Buffer.from(frame.payload).toString())?.message ?? ''}`;
