import { expect } from 'chai';
import { type Layered, unwrap } from '../../../ports/index.js';

interface Extras {
  readonly state: { readonly open: boolean };
  readonly trace: { readonly spans: number };
}

describe('unwrap', () => {
  const adapter: Layered<Extras> = { extras: { trace: { spans: 1 } } };
  const breaker: Layered<Extras> = { wraps: adapter, extras: { state: { open: true } } };
  const retry: Layered<Extras> = { wraps: breaker };

  it('finds an extra below any number of wrappers', () => {
    expect(unwrap(retry, 'state')).to.deep.equal({ open: true });
    expect(unwrap(retry, 'trace')).to.deep.equal({ spans: 1 });
  });

  it('takes the outermost of two', () => {
    const outer: Layered<Extras> = { wraps: retry, extras: { trace: { spans: 2 } } };
    expect(unwrap(outer, 'trace')).to.deep.equal({ spans: 2 });
  });

  it('says so when no layer has it, and looks in none above', () => {
    expect(unwrap(adapter, 'state')).to.equal(undefined);
  });
});
