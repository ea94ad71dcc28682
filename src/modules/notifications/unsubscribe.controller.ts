import { Controller, Get, Header, HttpCode, Post, Query } from '@nestjs/common';
import { RouteConfig } from '@nestjs/platform-fastify';
import { ApiExcludeController } from '@nestjs/swagger';
import { FORMS } from '../../core/http/body-parsers.js';
import { Text } from '../../core/http/fields.js';
import { Public } from '../../core/security/access.js';
import type { Kind } from './notification.js';
import { UnsubscribeLinkInvalid } from './notifications.errors.js';
import { PreferencesService } from './preferences.service.js';
import { unsubscribed, unsubscribing } from './templates/unsubscribe-pages.js';
import { UnsubscribeLinks } from './unsubscribe-links.js';

export class UnsubscribeQuery {
  @Text(1, 200) token: string;
}

const HTML = 'text/html; charset=utf-8';

/** For people and mail programs that follow a link in a mail, and are not signed in. */
@ApiExcludeController()
@Public()
@Controller('notifications/unsubscribe')
export class UnsubscribeController {
  constructor(
    private readonly links: UnsubscribeLinks,
    private readonly preferences: PreferencesService,
  ) {}

  /** Asks first: programs that look at every link in a mail do not unsubscribe anybody. */
  @Get()
  @Header('content-type', HTML)
  ask(@Query() { token }: UnsubscribeQuery): string {
    return unsubscribing(this.read(token).kind);
  }

  /** The button on that page, and what mail programs send for theirs (RFC 8058). */
  @Post()
  @HttpCode(200)
  @RouteConfig(FORMS)
  @Header('content-type', HTML)
  async end(@Query() { token }: UnsubscribeQuery): Promise<string> {
    const { owner, kind } = this.read(token);
    await this.preferences.endEmails(owner, kind);
    return unsubscribed(kind);
  }

  private read(token: string): { readonly owner: string; readonly kind: Kind } {
    const found = this.links.read(token);
    if (!found) throw new UnsubscribeLinkInvalid();
    return found;
  }
}
