import { Injectable } from '@nestjs/common';
import '@fastify/cookie';
import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppConfig } from '../../config/config.js';
import { IDLE_MS } from './session.store.js';

/** The refresh token as browsers keep it: out of reach of scripts, sent to the auth routes of this site only. */
@Injectable()
export class RefreshCookie {
  private readonly name: string;
  private readonly options: CookieSerializeOptions;

  constructor({ production }: AppConfig) {
    this.name = production ? '__Secure-taskflow_refresh' : 'taskflow_refresh';
    this.options = { httpOnly: true, sameSite: 'strict', path: '/api/v1/auth', secure: production };
  }

  read(request: FastifyRequest): string | undefined {
    return request.cookies[this.name];
  }

  set(reply: FastifyReply, refreshToken: string): void {
    reply.setCookie(this.name, refreshToken, { ...this.options, maxAge: IDLE_MS / 1000 });
  }

  clear(reply: FastifyReply): void {
    reply.setCookie(this.name, '', { ...this.options, maxAge: 0 });
  }
}
