import { JwtService } from '@nestjs/jwt';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { LRUCache } from 'lru-cache';
import { settings } from './settings.js';

export interface Claims {
  readonly sub: string;
  readonly sid: string;
  readonly exp: number;
}

const jwt = new JwtService();
const verified = new LRUCache<string, Claims>({ max: 20_000 });
const who = new WeakMap<FastifyRequest, Claims>();

/** A signature is verified once per token. @returns false when the request has been answered with 401 */
export function admit(request: FastifyRequest, reply: FastifyReply): boolean {
  const token = request.headers.authorization?.slice('Bearer '.length) ?? '';
  let claims = verified.get(token);
  if (!claims) {
    try {
      claims = jwt.verify<Claims & object>(token, { publicKey: settings.publicKey, algorithms: ['ES256'] });
    } catch {
      void reply.code(401).send({ error: 'unauthorized' });
      return false;
    }
    verified.set(token, claims);
  }
  if (claims.exp * 1000 < Date.now()) {
    void reply.code(401).send({ error: 'unauthorized' });
    return false;
  }
  who.set(request, claims);
  return true;
}

/** Who asks, once admitted. */
export const holderOf = (request: FastifyRequest): Claims => who.get(request)!;
