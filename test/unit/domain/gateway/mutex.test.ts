import { expect } from 'chai';
import { Mutex } from '../../../../domain/gateway/mutex.js';

describe('a lock within the process', () => {
  it('is handed on in the order in which it was asked for, and is not free meanwhile', async () => {
    const mutex = new Mutex();
    const order: number[] = [];
    const first = mutex.take();
    expect(first).to.be.a('function');
    expect(mutex.take(), 'somebody has it').to.equal(null);
    const waiting = Array.from({ length: 5 }, async (_, i) => {
      const release = await mutex.acquire();
      order.push(i);
      expect(mutex.take(), 'somebody waits').to.equal(null);
      release();
      release(); // a second time, it hands on nobody's lock
    });
    first?.();
    first?.();
    expect(mutex.take(), 'it was handed on').to.equal(null);
    await Promise.all(waiting);
    expect(order).to.deep.equal([0, 1, 2, 3, 4]);
    const again = mutex.take();
    expect(again).to.be.a('function');
    again?.();
    (await mutex.acquire())();
  });
});
