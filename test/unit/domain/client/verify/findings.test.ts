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

  it('counts how often a note applied, and says one and many in words of their own', () => {
    const findings = new Findings();
    const note = () => findings.note({ one: '%d value was left out', many: '%d values were left out' });
    note();
    expect(findings.notes).to.deep.equal([{ text: '1 value was left out' }]);
    note();
    findings.note('the policy is not known here');
    expect(findings.notes).to.deep.equal([{ text: '2 values were left out' }, { text: 'the policy is not known here' }]);
  });
});
