import { expect } from 'chai';
import { formatTraceparent, parseTraceparent, traceInOptions, traceOption } from '../../../ports/grammar/trace-context.js';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const GOOD = `00-${TRACE}-${SPAN}-01`;

describe('the context of a trace', () => {
  it('is read as W3C has it, later versions by what they share with the first', () => {
    const context = { traceId: TRACE, spanId: SPAN, sampled: true };
    expect(parseTraceparent(GOOD)).to.deep.equal(context);
    expect(parseTraceparent(`00-${TRACE}-${SPAN}-02`)).to.deep.equal({ ...context, sampled: false });
    expect(parseTraceparent(`cc-${TRACE}-${SPAN}-01-what-the-future-brings`)).to.deep.equal(context);
    expect(formatTraceparent(context)).to.equal(GOOD);
  });

  it('is ignored where it is none', () => {
    const bad = [
      ...['', GOOD.slice(0, -1), `${GOOD}-more`, `${GOOD}\n`, ` ${GOOD}`, GOOD.toUpperCase(), `ff${GOOD.slice(2)}`],
      ...[`00-${'0'.repeat(32)}-${SPAN}-01`, `00-${TRACE}-${'0'.repeat(16)}-01`, `01${GOOD.slice(2)}x`],
      `01-${TRACE}-${SPAN}-01-${'x'.repeat(1000)}`,
    ];
    for (const text of bad) expect(parseTraceparent(text), JSON.stringify(text.slice(0, 70))).to.equal(null);
  });

  it('is found among push options, the first that can be read', () => {
    const context = parseTraceparent(GOOD);
    expect(context && traceOption(context)).to.equal(`traceparent=${GOOD}`);
    expect(traceInOptions(['ci.skip', 'traceparent=nonsense', `traceparent=${GOOD}`])).to.deep.equal(context);
    expect(traceInOptions([`x-traceparent=${GOOD}`, GOOD])).to.equal(null);
  });
});
