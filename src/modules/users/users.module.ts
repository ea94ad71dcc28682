import { Module, type OnModuleInit } from '@nestjs/common';
import { InjectModel, MongooseModule } from '@nestjs/mongoose';
import type { Model } from 'mongoose';
import { OutboxRelay } from '../../core/events/outbox.relay.js';
import { OutboxRepository } from '../../core/events/outbox.repository.js';
import { MailedTokens } from './mailed-tokens.service.js';
import { UserDirectory } from './user-directory.js';
import { UserWriter } from './user-writer.js';
import { USER_MODEL, userSchema, type UserDocument } from './user.schema.js';
import { UsersListener } from './users.listener.js';
import { UsersController } from './users.controller.js';
import { UsersRepository } from './users.repository.js';
import { UsersService } from './users.service.js';

@Module({
  imports: [MongooseModule.forFeature([{ name: USER_MODEL, schema: userSchema }])],
  providers: [UsersRepository, UserWriter, UsersService, MailedTokens, UserDirectory, UsersListener],
  exports: [UsersService, MailedTokens, UserDirectory],
})
export class UsersModule implements OnModuleInit {
  constructor(
    @InjectModel(USER_MODEL) private readonly model: Model<UserDocument>,
    private readonly relay: OutboxRelay,
  ) {}

  onModuleInit(): void {
    this.relay.addSource(new OutboxRepository('users', this.model, { status: 'deleted' }));
  }
}

/** What `MODULES=users` serves, with `AccountRoutes` of auth. */
@Module({ imports: [UsersModule], controllers: [UsersController] })
export class UsersRoutes {}
