import { expect } from 'chai';
import { checkLimits } from '../../../../../domain/gateway/limits/check-limits.js';
import { connectionBounds } from '../../../../../domain/gateway/limits/connection-limits.js';
import { gitBounds, pushLimits } from '../../../../../domain/gateway/limits/push-limits.js';
import { USUAL_LIMITS, type Limits } from '../../../../../ports/stargate/limits.js';
import type { Policy } from '../../../../../ports/stargate/policy-reader.js';

const limits = (change: Partial<Limits> = {}): Limits => ({ ...USUAL_LIMITS, ...change });

describe('bounds that follow from those of the policy', () => {
  it('share half of the memory of checks out among all pushes, and leave the other half to a large one', () => {
    const bounds = checkLimits(
      limits({ checkedBytes: 1001, pushes: 4, checkedObject: 7, commitBytes: 3, treeEntries: 5, manifestBytes: 6 }),
    );
    expect(bounds).to.deep.equal({
      ...{ each: 125, large: 500, treeEntries: 5, manifestBytes: 6 },
      objects: { commit: 3, tag: 3, tree: 7, blob: 7 },
    });
  });

  it('keep places for those who write, and half of all for those who read', () => {
    const bounds = (change: Partial<Limits>) => connectionBounds(limits(change));
    expect(bounds({ connections: 100, connectionsReserved: 30 }).readers).to.equal(70);
    expect(bounds({ connections: 101, connectionsReserved: 90 }).readers).to.equal(51);
    expect(bounds({ sessions: 20, pushes: 6 }).readerSessions).to.equal(14);
    expect(bounds({ sessions: 21, pushes: 20 }).readerSessions).to.equal(11);
    expect(bounds({ connectionsUnproven: 7 }).sparedOfNetwork).to.equal(4);
    expect(bounds({ packetsUnproven: 3 }).bytesUnproven).to.equal(3072);
    expect(bounds({ unsent: 1023 }).unsentAhead).to.equal(127);
  });

  it('let a push bring the largest value of any namespace, and give it the time for that', () => {
    const policy = (sizes: readonly number[], change: Partial<Limits>): Policy =>
      ({
        limits: limits(change),
        maxPushObjects: 9,
        namespaces: new Map(sizes.map((maxValueTotal, at) => [`ns${at}`, { maxValueTotal }])),
      }) as unknown as Policy; // what bounds follow from
    const small = { pushBytes: 1e9, pushTimeout: 1000, pushCommands: 5, pushCommandBytes: 6, handoverTimeout: 7 };
    const git = gitBounds(limits());
    const same = { maxObjects: 9, maxCommands: 5, maxCommandBytes: 6, handover: 7, git };
    expect(git).to.deep.equal({ memory: USUAL_LIMITS.gitMemory, time: USUAL_LIMITS.gitTime });
    expect(pushLimits(policy([], small))).to.deep.equal({ ...same, maxBytes: 1e9, timeout: 1000 });
    expect(pushLimits(policy([100, 50], small))).to.deep.equal({ ...same, maxBytes: 1e9, timeout: 1000 });
    const maxBytes = 2.1e9 + 64 * 1024 ** 2;
    expect(pushLimits(policy([1e9, 2e9], small))).to.deep.equal({ ...same, maxBytes, timeout: Math.ceil(maxBytes / 1e6) });
  });
});
