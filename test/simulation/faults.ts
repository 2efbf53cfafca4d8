import { majorityOf } from '../../domain/gateway/replicate/quorum.js';
import type { Fault } from './plan.js';
import type { World } from './world.js';

/** Makes one thing of the plan happen. What would lose a majority's disks is left out: no protocol survives that. */
export function inject(world: World, fault: Fault): void {
  if (fault.kind === 'log-down') {
    world.note(undefined, 'the decision log is down', () => `for ${fault.for} ms`);
    world.logDown++;
    world.after(fault.for, () => (world.logDown = Math.max(0, world.logDown - 1)));
    return;
  }
  const server = fault.server === null ? world.servers.find(({ leads }) => leads) : world.servers[fault.server];
  if (server === undefined) return;
  const lasts = 'for' in fault ? fault.for : 0;
  const note = (what: string): void => world.note(server, what, () => (lasts > 0 ? `for ${lasts} ms` : ''));
  const during = <T>(set: Set<T>, value: T): void => {
    set.add(value);
    world.after(lasts, () => set.delete(value));
  };
  switch (fault.kind) {
    case 'crash':
      note('crashes');
      server.stop();
      world.after(lasts, () => server.start());
      return;
    case 'pause':
      note('is paused');
      server.pause(lasts);
      return;
    case 'full':
      note('has a full disk');
      server.full = true;
      world.after(lasts, () => (server.full = false));
      return;
    case 'isolate':
      note('is cut off from all servers');
      for (const other of world.servers)
        for (const cut of [`${server.index}>${other.index}`, `${other.index}>${server.index}`]) during(world.cuts, cut);
      return;
    case 'cut':
      note(`no longer reaches s${fault.to + 1}`);
      during(world.cuts, `${fault.server}>${fault.to}`);
      return;
    case 'log-cut':
      note('no longer reaches the decision log');
      during(world.logCuts, fault.server);
      return;
    case 'jump':
      note(`has its clock moved by ${fault.by} ms`);
      server.jump(fault.by);
      return;
    case 'reopen':
      note('closes the repository');
      server.reopen();
      return;
    case 'wipe': {
      const { members } = world.checks.head;
      const lost = world.servers.filter(({ name, wiped }) => wiped && members.includes(name)).length;
      const others = members.length - majorityOf(members.length) - lost;
      if (!server.wiped && (others < 1 || (world.plan.log === 'journal' && server.index === 0))) return;
      note('loses its disk');
      server.stop();
      server.disk.wipe();
      server.wiped = true;
      world.after(100, () => server.start());
      return;
    }
    case 'transfer':
      note('is to lead');
      for (const leader of world.servers) if (leader.leads) leader.give({ kind: 'transfer', to: server.name });
      return;
    case 'add':
    case 'remove': {
      const change = fault.kind === 'add' ? { add: server.name } : { remove: server.name };
      const id = `${fault.kind}-${server.name}-${Math.round(fault.at)}`;
      const leader = world.servers.find(({ leads }) => leads);
      leader?.propose({ id, updates: [], events: [], ack: 'quorum', change });
      return;
    }
  }
}
