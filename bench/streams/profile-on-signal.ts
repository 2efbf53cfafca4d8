import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

/**
 * Loaded before a Stargate (`node --import`), it takes a profile from one SIGUSR2 to the next, and writes it to `PROFILE_TO`. Node's own
 * flags would profile its start too.
 */
const to = process.env['PROFILE_TO'];
if (to !== undefined && process.argv[2] === 'serve') {
  const session = new Session();
  session.connect();
  let running = false;
  process.on('SIGUSR2', () => {
    running = !running;
    if (running) session.post('Profiler.enable', () => session.post('Profiler.start'));
    else session.post('Profiler.stop', (_, { profile }) => writeFileSync(to, JSON.stringify(profile)));
  });
}
