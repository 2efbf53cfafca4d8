import { expect } from 'chai';
import { expendable, type Waiting } from '../../../apps/stargate/ssh/room/expendable.js';
import { type CommandPlace, Places } from '../../../apps/stargate/ssh/room/places.js';
import { seldomLog } from '../../../apps/stargate/log/log-seldom.js';
import { connectionBounds } from '../../../domain/gateway/limits/connection-limits.js';
import { KvError } from '../../../ports/error.js';
import { LIMIT_NAMES, LIMITS, limits, USUAL_LIMITS } from '../../../ports/stargate/limits.js';

describe('stargate: which connection has to go', () => {
  const none = { knows: () => false, sparedOfNetwork: 2 };
  const from = (network: string, advanced: number): Waiting => ({ network, advanced });

  it('the one that has stood still longest', () => {
    const waiting = [from('a', 30), from('b', 10), from('c', 20)];
    expect(expendable(waiting, none)).to.equal(waiting[1]);
  });

  it('of the network that has most of them, though others stand longer', () => {
    const waiting = [from('a', 1), from('b', 30), from('b', 20), from('c', 2)];
    expect(expendable(waiting, none)).to.equal(waiting[2]);
  });

  it('none of a network from which somebody has logged in, unless it has too many', () => {
    const knows = (network: string): boolean => network === 'a';
    const waiting = [from('a', 1), from('a', 2), from('b', 30)];
    expect(expendable(waiting, { knows, sparedOfNetwork: 2 })).to.equal(waiting[2]);
    expect(expendable(waiting, { knows, sparedOfNetwork: 1 })).to.equal(waiting[0]);
    expect(expendable(waiting.slice(0, 2), { knows, sparedOfNetwork: 2 })).to.equal(waiting[0]);
  });
});

describe('stargate: places of commands', () => {
  const places = (changes: Partial<typeof USUAL_LIMITS>): Places => new Places(() => ({ ...USUAL_LIMITS, ...changes }));
  const reader = (key: string) => ({ key, writes: false, pushes: false });
  const writer = (key: string) => ({ key, writes: true, pushes: false });
  const push = (key: string) => ({ key, writes: true, pushes: true });
  /** Takes as many as there are to be had. */
  const grab = (all: Places, one: ReturnType<typeof reader>): CommandPlace[] => {
    const taken: CommandPlace[] = [];
    for (;;) {
      try {
        taken.push(all.take(one));
      } catch (error) {
        if (!KvError.is(error) || error.code !== 'BUSY') throw error;
        return taken;
      }
    }
  };

  it('gives one key half of what is free, so that the next finds some', () => {
    const all = places({ sessions: 16, pushes: 8 });
    expect(['a', 'b', 'c', 'd'].map((key) => grab(all, push(key)).length)).to.deep.equal([4, 2, 1, 1]);
    expect(grab(all, push('e'))).to.deep.equal([]);
    expect(grab(all, writer('e')).length, 'commands that are no pushes').to.equal(4);
  });

  it('lets readers have all but those of the pushes', () => {
    const all = places({ sessions: 12, pushes: 4 });
    const readers = 'abcdefgh'.split('').reduce((sum, key) => sum + grab(all, reader(key)).length, 0);
    expect(readers).to.equal(8);
    expect(grab(all, push('w')).length).to.equal(2);
  });

  it('gives a place anew that was given back', () => {
    const all = places({ sessions: 2, pushes: 1 });
    const [place] = grab(all, push('a'));
    expect(grab(all, push('b'))).to.deep.equal([]);
    place?.leave();
    expect(grab(all, push('b')).length).to.equal(1);
  });

  it('ends what is idle for who needs a place: the own of its key first, the longest idle of all, and nothing that is at work', () => {
    let now = 0;
    const all = new Places(
      () => ({ ...USUAL_LIMITS, sessions: 4, pushes: 1 }),
      () => now,
    );
    const ended: string[] = [];
    const idle = (place: CommandPlace, name: string): void => {
      place.idle(() => ended.push(name));
      now += 1000;
    };
    const [a0, a1] = grab(all, writer('a')) as [CommandPlace, CommandPlace];
    const [b0] = grab(all, writer('b')) as [CommandPlace];
    idle(a1, 'a1');
    idle(b0, 'b0');
    idle(a0, 'a0');
    all.take(push('c')); // the last that is free
    expect(() => all.take(writer('b')), 'each may be about to say something').to.throw(KvError);
    now += 5000;
    expect(() => all.take(push('d')), 'of no use for a push').to.throw(KvError);
    expect(ended).to.deep.equal([]);
    all.take(writer('b'));
    expect(ended, 'its own').to.deep.equal(['b0']);
    a1.idle(null);
    all.take(writer('d'));
    expect(ended, 'the one that is idle still').to.deep.equal(['b0', 'a0']);
    a0.leave(); // it has none any more
    expect(grab(all, writer('e')), 'all are at work').to.deep.equal([]);
    idle(a1, 'a1');
    now += 5000;
    expect(grab(all, writer('e'))).to.have.length(1);
    expect(ended).to.deep.equal(['b0', 'a0', 'a1']);
  });

  it('says of whom there are how many', () => {
    const all = places({ sessions: 4, pushes: 2 });
    all.take(push('a'));
    const told = (one: ReturnType<typeof reader>): unknown => {
      try {
        return all.take(one);
      } catch (error) {
        return KvError.is(error) && error.details;
      }
    };
    expect(told(push('a'))).to.deep.equal({ of: 'key', what: 'pushes', limit: 1 });
    all.take(push('b'));
    expect(told(push('c'))).to.deep.equal({ of: 'all', what: 'pushes', limit: 2 });
  });
});

describe('stargate: bounds of connections that follow from others', () => {
  it('leave somebody room, whatever the policy says within its bounds', () => {
    for (const end of ['least', 'most'] as const) {
      for (const name of LIMIT_NAMES) {
        const bounds = connectionBounds(limits((each) => (each === name ? LIMITS[each][end] : LIMITS[each].usual)));
        for (const [bound, value] of Object.entries(bounds)) expect(value, `${bound} with the ${end} ${name}`).to.be.above(0);
      }
    }
  });
});

describe('stargate: a log of what may happen any number of times', () => {
  it('has some lines a second, and says how many it has left out', () => {
    const lines: unknown[] = [];
    let now = 0;
    const at = (level: string) => (event: string, fields?: object) => void lines.push([level, event, fields]);
    const log = seldomLog({ info: at('info'), warn: at('warn'), error: at('error') }, 2, () => now);
    for (let i = 0; i < 5; i++) log.warn('storm', { i });
    log.info('other');
    now = 1000;
    log.warn('storm', { i: 5 });
    log.warn('storm', { i: 6 });
    expect(lines).to.deep.equal([
      ['warn', 'storm', { i: 0 }],
      ['warn', 'storm', { i: 1 }],
      ['info', 'other', undefined],
      ['warn', 'storm', { i: 5, left_out: 3 }],
      ['warn', 'storm', { i: 6 }],
    ]);
  });
});
