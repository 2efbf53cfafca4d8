import { expect } from 'chai';
import { EnoughFaults, Findings, MOST_FAULTS } from '../../../../../domain/client/verify/findings.js';

describe('what a verification has found', () => {
  it('is each fault once, and an end of it when there are very many', () => {
    const findings = new Findings();
    for (let i = 0; i < MOST_FAULTS - 1; i++) for (const _again of [1, 2]) findings.fault(`fault ${i}`);
    expect(findings.faults).to.have.length(MOST_FAULTS - 1);
    expect(() => findings.fault('the last')).to.throw(EnoughFaults);
    expect(findings.faults).to.have.length(MOST_FAULTS);
  });
});
