// Loaded before the tests that judge mutants: random inputs are the same in every run, and the first that fails is enough.
import fc from 'fast-check';

fc.configureGlobal({ seed: 20, endOnFailure: true });
// A few schedules of a simulated cluster, each of which costs as much as a whole test.
process.env['SIMULATE_SEEDS'] ??= '30';
