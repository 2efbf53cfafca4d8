// Loaded before the tests that judge mutants: random inputs are the same in every run, and the first that fails is enough.
import fc from 'fast-check';

fc.configureGlobal({ seed: 20, endOnFailure: true });
