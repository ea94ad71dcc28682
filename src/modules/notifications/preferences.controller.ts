import { Body, Controller, Get, Patch } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { WriteContended } from '../../core/errors/core.errors.js';
import { Problems } from '../../core/openapi/problems.decorator.js';
import { CurrentUser, type Principal } from '../../core/security/principal.js';
import { ChangePreferences } from './preferences.dto.js';
import { PreferencesService } from './preferences.service.js';
import { PreferencesView, preferencesView } from './preferences.view.js';

@ApiTags('notifications')
@ApiBearerAuth('bearer')
@Controller('notifications/preferences')
export class PreferencesController {
  constructor(private readonly preferences: PreferencesService) {}

  /** How you want to be told of your tasks. Mails about the account always come, at once. */
  @Get()
  async get(@CurrentUser() { userId }: Principal): Promise<PreferencesView> {
    return preferencesView(await this.preferences.of(userId));
  }

  /** Changes what is given. */
  @Patch()
  @Problems(WriteContended)
  async change(@CurrentUser() { userId }: Principal, @Body() change: ChangePreferences): Promise<PreferencesView> {
    return preferencesView(await this.preferences.change(userId, change));
  }
}
