/** Loaded before a server: at SIGUSR2 its clock is moved to be off by as many milliseconds as CLOCK_FILE says, as somebody moves a host's. */
import { readFileSync } from 'node:fs';

const RealDate = Date;
let shift = 0;
const now = (): number => RealDate.now() + shift;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args: unknown[], newTarget: new () => object) =>
    Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object, // the real Date makes it
  apply: () => new RealDate(now()).toString(),
  get: (target, name, receiver) => (name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown)),
});
process.on('SIGUSR2', () => {
  shift = Number(readFileSync(process.env['CLOCK_FILE'] ?? '', 'utf8'));
});
