import { systemClock } from '../../adapters/clock-system/open.js';
import { systemRandomness } from '../../adapters/clock-system/open-randomness.js';
import { clockContract, randomnessContract } from '../contracts/clock.js';

clockContract('clock-system', async () => systemClock());
randomnessContract('clock-system', async () => systemRandomness());
