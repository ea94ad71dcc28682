import type { FastifyInstance } from 'fastify';
import { AsyncResource } from 'node:async_hooks';
import { Overloaded } from '../errors/core.errors.js';
import type { ProblemFilter } from '../errors/problem.filter.js';
import { isProbe } from './probes.js';
import './request.js';

/**
 * Worked on at a time: more than can wait for the hash of a password, and several for each connection to the database.
 * What a request has made for itself is kept until its answer, so that more at a time do less in a second.
 */
const AT_ONCE = 64;
/** As many as wait without anybody noticing. */
const CALM = 100;
/** What one event loop has under way and still answers well within a second. */
const FULL = 200;
/** A burst has come by then; what lasts longer is more than the process can do, and grows into a line that is too long. */
const BURST_MS = 250;
const RETRY_SECONDS = 1;

/**
 * Refuses what a process cannot do in time, at once, so that it does the rest in time: when many requests have been under
 * way for a while, no more than that are let in. It works on a few of them at a time, once their body is there, while the
 * others wait in a line, and begins one in a turn of the event loop: those that begin together come back from the stores
 * together, and whoever arrives meanwhile waits for all of them, if only to be refused.
 *
 * Probes are always answered, and so are hits in the cache, which are answered before this is asked; a stream counts until
 * it begins.
 * @param problems writes the refusal: the way of an error through Fastify and Nest would cost a fifth of it
 */
export function shedLoad(fastify: FastifyInstance, problems: Pick<ProblemFilter, 'answer'>): void {
  // One for all of them: a stack that nobody reads would take a sixth of the time of each refusal.
  const overloaded = new Overloaded({ retryAfterSeconds: RETRY_SECONDS });
  const line: (() => void)[] = [];
  let underWay = 0;
  let atWork = 0;
  /** Where one was begun in this turn, or waits for the next one. */
  let nextTurn: NodeJS.Immediate | undefined;
  let calmMs = -Infinity;
  const mayBegin = (): boolean => atWork < AT_ONCE && nextTurn === undefined;
  const takeTurn = (): void => {
    nextTurn = undefined;
    while (line.length > 0 && mayBegin()) line.shift()!();
  };
  fastify.addHook('preParsing', (request, reply, _payload, done) => {
    if (isProbe(request.routeOptions.url)) return done();
    if (underWay <= CALM) calmMs = request.beganMs;
    if (underWay >= FULL && request.beganMs - calmMs > BURST_MS) return problems.answer(overloaded, request, reply);
    underWay++;
    request.load = 'waits';
    request.leave = (): void => {
      if (request.load !== 'left') underWay--;
      const wasAtWork = request.load === 'works';
      request.load = 'left';
      if (!wasAtWork) return;
      atWork--;
      if (line.length > 0) nextTurn ??= setImmediate(takeTurn);
    };
    reply.raw.on('close', request.leave);
    done();
  });
  // Not before: a client that sends its body slowly would take a place from those who have sent theirs.
  fastify.addHook('preValidation', (request, reply, done) => {
    if (request.load === undefined) return done();
    const begin = (): void => {
      // Its client may have gone, or its time may be over.
      if (request.load === 'left' || reply.sent) return;
      request.load = 'works';
      atWork++;
      nextTurn = setImmediate(takeTurn);
      done();
    };
    if (line.length === 0 && mayBegin()) return begin();
    // It is another request's end, or the next turn, that lets it begin.
    const context = new AsyncResource('WaitingRequest');
    line.push(() => {
      // Whoever was before it may have computed what the cache did not have.
      request.cached = undefined;
      context.runInAsyncScope(begin);
    });
  });
}
