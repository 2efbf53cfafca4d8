/**
 * A process in which a Stargate serves, and when that has ended, another one: as the launcher does it, with a line behind what each has
 * printed. It ends when whoever started it does. Its one argument is the URL of the bundle.
 */
import { END, type ServingRequest } from './serving-messages.js';

const { main } = (await import(process.argv[2] ?? '')) as { main(args: readonly string[]): Promise<number> };

process.setMaxListeners(0); // what a Stargate listens for until its process ends adds up here

process.on('message', async ({ args, cwd, env }: ServingRequest) => {
  process.chdir(cwd);
  process.env = { ...env };
  const code = await main(args);
  process.chdir('/'); // a folder that a process works in may be asked for
  for (const stream of [process.stdout, process.stderr]) stream.write(`${END}${code}\n`);
});
process.on('disconnect', () => process.exit());
