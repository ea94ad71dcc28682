import { Controller, Get, Header, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiExcludeController, ApiTags } from '@nestjs/swagger';
import type { KeyObject } from 'node:crypto';
import { AppConfig } from '../../config/config.js';
import { Public } from '../../core/security/access.js';
import { JwksView } from './auth.view.js';

/** Verifiers may keep the keys this long; a new key is listed before it signs (the runbook's rotation). */
const CACHEABLE = 'public, max-age=300';

@ApiTags('auth')
@Public()
@Controller('auth/.well-known/jwks.json')
export class JwksController {
  constructor(private readonly config: AppConfig) {}

  /** The public keys that verify access tokens (RFC 7517). */
  @Get()
  @Header('cache-control', CACHEABLE)
  keys(): JwksView {
    return { keys: this.config.jwt.keys.map(({ kid, publicKey }) => publicJwk(kid, publicKey)) };
  }
}

/** The same where verifiers look by convention (RFC 8615). */
@ApiExcludeController()
@Public()
@Controller({ path: '.well-known/jwks.json', version: VERSION_NEUTRAL })
export class WellKnownJwksController extends JwksController {}

/** Names the public coordinates one by one: nothing else of a key can get out. */
function publicJwk(kid: string, key: KeyObject): JwksView['keys'][number] {
  const { x, y } = key.export({ format: 'jwk' }) as { x: string; y: string };
  return { kty: 'EC', crv: 'P-256', x, y, kid, use: 'sig', alg: 'ES256' };
}
