import { setTimeout as delay } from 'node:timers/promises';
import { answerWithin } from './deadline.js';

/** Keeps this process busy, as a long computation does. */
function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

describe('answerWithin', () => {
  it('gives what the work gives', async () => {
    await expect(answerWithin(50, Promise.resolve('done'))).resolves.toBe('done');
    await expect(answerWithin(50, Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  });

  it('gives up on silence after its time', async () => {
    const start = performance.now();
    await expect(answerWithin(50, new Promise(() => undefined))).rejects.toThrow('no answer within 50 ms');
    expect(performance.now() - start).toBeGreaterThan(45);
  });

  it('waits for what is done instead, in the time that is left', async () => {
    const failing = Promise.reject(new Error('broken'));
    const whenBroken =
      (instead: Promise<string>) =>
      ({ message }: Error): Promise<string> | undefined =>
        message === 'broken' ? instead : undefined;

    await expect(answerWithin(50, failing, whenBroken(Promise.resolve('mended')))).resolves.toBe('mended');
    await expect(answerWithin(50, failing, whenBroken(new Promise(() => undefined)))).rejects.toThrow('no answer');
    await expect(answerWithin(50, Promise.reject(new Error('other')), whenBroken(failing))).rejects.toThrow('other');
  });

  it('does not mind what the work does after that', async () => {
    const late = delay(40).then(() => Promise.reject(new Error('late')));
    await expect(answerWithin(10, late)).rejects.toThrow('no answer');
    await expect(late).rejects.toThrow('late');
  });

  it('does not take its own slowness for silence', async () => {
    const work = answerWithin(
      20,
      delay(10).then(() => 'done'),
    );
    block(120);
    await expect(work).resolves.toBe('done');
  });

  it('waits once more after it was slow itself, and not for ever', async () => {
    const start = performance.now();
    const work = answerWithin(20, new Promise(() => undefined));
    block(100);
    await expect(work).rejects.toThrow('no answer');
    expect(performance.now() - start).toBeGreaterThan(110);
  });
});
