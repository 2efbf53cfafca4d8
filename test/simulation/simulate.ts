import { type Bug, SOUND } from './bug.js';
import { Violation } from './checks.js';
import type { Plan } from './plan.js';
import { World } from './world.js';

/** What became of one schedule. */
export interface Run {
  readonly violation: Violation | null;
  readonly steps: number;
  readonly accepted: number;
  /** How long the cluster took to come level once the faults had stopped, ms; null: it didn't. */
  readonly level: number | null;
}

/** Runs a plan; `trace` gets a line for each thing that happens. */
export function simulate(plan: Plan, bug: Bug = SOUND, trace: string[] | null = null): Run {
  const world = new World(plan, bug, trace);
  let violation: Violation | null = null;
  try {
    world.run();
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    violation = error;
    trace?.push(`!! ${error.message}`);
  }
  return { violation, steps: world.steps, accepted: world.checks.accepted, level: violation === null ? world.level : null };
}
