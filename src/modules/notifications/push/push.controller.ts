import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { Problems } from '../../../core/openapi/problems.decorator.js';
import { CurrentUser, type Principal } from '../../../core/security/principal.js';
import { PushSubscriptionNotFound, PushUnavailable } from '../notifications.errors.js';
import { SubscribePush } from './push.dto.js';
import { PushService } from './push.service.js';
import { PushKeyView, pushSubscriptionView, PushSubscriptionView } from './push.view.js';

@ApiTags('notifications')
@ApiBearerAuth('bearer')
@Controller('notifications')
export class PushController {
  constructor(private readonly push: PushService) {}

  /** With which key a browser subscribes. */
  @Get('push-key')
  @Problems(PushUnavailable)
  key(): PushKeyView {
    return { publicKey: this.push.publicKey() };
  }

  /** Subscribes a browser; again is the same as once. You have at most 20, the oldest one goes. */
  @Post('push-subscriptions')
  @Problems(PushUnavailable)
  async subscribe(@CurrentUser() { userId }: Principal, @Body() given: SubscribePush): Promise<PushSubscriptionView> {
    return pushSubscriptionView(await this.push.subscribe(userId, given));
  }

  /** Ends a subscription of yours. */
  @Delete('push-subscriptions/:id')
  @HttpCode(204)
  @Problems(PushSubscriptionNotFound)
  async unsubscribe(@CurrentUser() { userId }: Principal, @Param('id') id: string): Promise<void> {
    await this.push.unsubscribe(userId, id);
  }
}
