import type { FastifyInstance } from 'fastify';
import { Overloaded } from '../errors/core.errors.js';
import { isProbe } from './probes.js';
import './request.js';

/** As many as wait without anybody noticing: a few for each connection to the database. */
const CALM = 100;
/** What one event loop has under way and still answers well within a second. */
const FULL = 200;
/** A burst is over by then; what lasts longer is more than the process can do. */
const BURST_MS = 1000;
const RETRY_SECONDS = 1;

/**
 * Refuses what a process cannot do in time, at once, so that it does the rest in time: when many requests have been under
 * way for a while, no more than that are let in. Probes are always answered, and so are hits in the cache, which are
 * answered before this is asked; a stream counts until it begins.
 */
export function shedLoad(fastify: FastifyInstance): void {
  let underWay = 0;
  let calmMs = -Infinity;
  fastify.addHook('preParsing', (request, reply, _payload, done) => {
    if (isProbe(request.routeOptions.url)) return done();
    if (underWay <= CALM) calmMs = request.beganMs;
    if (underWay >= FULL && request.beganMs - calmMs > BURST_MS)
      return done(new Overloaded({ retryAfterSeconds: RETRY_SECONDS }));
    underWay++;
    let isUnderWay = true;
    request.leave = (): void => {
      if (isUnderWay) underWay--;
      isUnderWay = false;
    };
    reply.raw.on('close', request.leave);
    done();
  });
}
