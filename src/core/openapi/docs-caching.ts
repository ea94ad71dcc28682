import type { FastifyInstance } from 'fastify';

/** Everybody gets the same documentation, and five minutes after a release the new one: its addresses name no version. */
const CACHEABLE = 'public, max-age=300';

/** Lets shared caches keep the documentation. Before its routes are registered. */
export function cacheDocs(fastify: FastifyInstance): void {
  fastify.addHook('onRoute', (route) => {
    if (!/^\/api\/(docs(\/|$)|openapi\.)/.test(route.url)) return;
    route.onSend = [
      ...[route.onSend ?? []].flat(),
      (_request, reply, payload, done) => {
        if (reply.statusCode < 400) reply.header('cache-control', CACHEABLE);
        done(null, payload);
      },
    ];
  });
}
