import type { Effect, Input } from './effects.js';
import type { ServerId } from './entry.js';
import { countRefusal, countVote } from './ballot.js';
import { advanceCatchUp, onFetch, onLacking, onParted, onSnapshot, onTail } from './follower/catch-up.js';
import { advanceCoordinator, onDecision, onLeaderHead, onPropose, repeatCoordinator } from './leader/coordinator.js';
import { advanceDoubt, askInDoubt } from './follower/doubt.js';
import { Machine, type ReplicaOptions, type ReplicaState, type Restored, TIMING } from './machine.js';
import { onReport } from './leader/membership.js';
import type { Message } from './messages.js';
import { advanceParticipant, onEnded, onOutcome, onPrepare } from './follower/participant.js';
import { RULES } from './rules.js';
import { advanceTakeover, onClaimed, onTakeoverHead, onWon, repeatTakeover } from './leader/takeover.js';
import { learn, seeTerm, stepDown } from './terms.js';

/**
 * One server's part in the history of one repository: standby, or leader while the lock is held. Pure: it is told what has happened, and
 * says what is to be done. Inputs only note facts; then each part looks at what is known and does what it can, so that nothing
 * depends on the order in which messages come, or on their coming at all.
 */
export class Replica {
  private readonly machine: Machine;

  constructor({ self, founder = false, digestAfter, timing = TIMING, rules = RULES }: ReplicaOptions, restored: Restored) {
    this.machine = new Machine(self, founder, digestAfter, timing, rules, restored);
  }

  /** What this replica knows. Nobody else changes it. */
  get state(): Readonly<ReplicaState> {
    return this.machine.state;
  }

  /** Whether trying for the lock makes sense: a server that is no member, or whose history is another, could only give it up again. */
  get mayLead(): boolean {
    const { diverged, known, applied } = this.machine.state;
    const members = known?.members ?? applied.members;
    return diverged === null && (members.includes(this.machine.self) || this.machine.founder);
  }

  /** Takes one input; gives what is to be done now, in order. */
  step(input: Input): readonly Effect[] {
    const { machine } = this;
    this.note(input);
    advanceDoubt(machine);
    advanceParticipant(machine);
    advanceCatchUp(machine);
    advanceTakeover(machine);
    advanceCoordinator(machine);
    advanceParticipant(machine);
    return machine.take();
  }

  private note(input: Input): void {
    const { machine } = this;
    const { state } = machine;
    switch (input.kind) {
      case 'tick':
        state.tick++;
        repeatTakeover(machine);
        repeatCoordinator(machine);
        askInDoubt(machine);
        return;
      case 'message':
        this.hear(input.from, input.message);
        return;
      case 'won':
        onWon(machine, input.term, input.attempts);
        return;
      case 'lost':
        stepDown(machine, 'the lock was lost');
        return;
      case 'propose':
        onPropose(machine, input.proposal);
        return;
      case 'transfer':
        if (state.leading?.head.members.includes(input.to) && input.to !== machine.self)
          state.leading.transfer = { to: input.to, since: state.tick };
        return;
      case 'ended':
        onEnded(machine, input.ok);
        return;
      case 'learned':
        learn(machine, input.head);
        return;
      case 'head':
        if (input.token !== state.reading) return;
        state.reading = null;
        if (input.recorded === 'unreachable') return;
        learn(machine, input.recorded?.head ?? null);
        onTakeoverHead(machine, input.recorded);
        onLeaderHead(machine, input.recorded);
        return;
      case 'decided':
        if (input.token !== state.deciding) return;
        state.deciding = null;
        if (state.takeover !== null) {
          onClaimed(machine, input.result);
          return;
        }
        onDecision(machine, input.result);
        return;
    }
  }

  private hear(from: ServerId, message: Message): void {
    const { machine } = this;
    if (from === machine.self) return; // an address of one's own, or a second server of this name
    switch (message.kind) {
      case 'prepare':
        onPrepare(machine, from, message);
        return;
      case 'vote':
        countVote(machine, from, message);
        return;
      case 'refuse':
        if (message.term > machine.state.term) seeTerm(machine, message.term, null);
        countRefusal(machine, from, message);
        return;
      case 'outcome':
        onOutcome(machine, from, message);
        return;
      case 'report':
        onReport(machine, from, message);
        return;
      case 'fetch':
        onFetch(machine, from, message);
        return;
      case 'tail':
        onTail(machine, from, message);
        return;
      case 'snapshot':
        onSnapshot(machine, from, message);
        return;
      case 'lacking':
        onLacking(machine, from, message);
        return;
      case 'parted':
        onParted(machine, from, message);
        return;
      case 'stand':
        if (message.term === machine.state.term) machine.emit({ kind: 'acquire' });
        return;
    }
  }
}
