import { Body, Controller, Get, Patch } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { Cached } from '../../core/cache/cache.interceptor.js';
import { WriteContended } from '../../core/errors/core.errors.js';
import { Problems } from '../../core/openapi/problems.decorator.js';
import { CurrentUser, type Principal } from '../../core/security/principal.js';
import { UpdateProfile } from './user.dto.js';
import { userView, UserView } from './user.view.js';
import { usersCache } from './users.cache.js';
import { UsersService } from './users.service.js';

@ApiTags('users')
@ApiBearerAuth('bearer')
@Controller('users')
export class UsersController {
  constructor(private readonly users: UsersService) {}

  /** Your own account. */
  @Get('me')
  @Cached(usersCache.profile)
  async me(@CurrentUser() { userId }: Principal): Promise<UserView> {
    return userView(await this.users.profile(userId));
  }

  /** Changes name, time zone or locale; what is absent stays. */
  @Patch('me')
  @Problems(WriteContended)
  async update(@CurrentUser() { userId }: Principal, @Body() change: UpdateProfile): Promise<UserView> {
    return userView(await this.users.updateProfile(userId, change));
  }
}
