import { Global, Module } from '@nestjs/common';
import { JwtModule } from '@nestjs/jwt';
import { MongooseModule } from '@nestjs/mongoose';
import { PassportModule } from '@nestjs/passport';
import { RequestRedis } from '../redis/request-redis.js';
import { SubscriberRedis } from '../redis/subscriber-redis.js';
import { Clock } from '../time/clock.js';
import { AccessTokens } from './access-tokens.js';
import { JwtStrategy } from './jwt.strategy.js';
import { OneTimeTokens } from './one-time-tokens.js';
import { RedisRevocationChannel } from './redis-revocation.channel.js';
import { RevocationChannel, SilentRevocationChannel } from './revocation-channel.js';
import { RevocationRepository } from './revocation.repository.js';
import { REVOCATION_MODEL, revocationSchema } from './revocation.schema.js';
import { RevocationStore } from './revocation.store.js';
import { Revocations } from './revocations.js';
import { VerificationKeys } from './verification-keys.js';

/** Who is asking, and whether the token still counts. How a token is got is the auth module's matter. */
@Global()
@Module({
  imports: [
    JwtModule.register({}),
    PassportModule.register({ session: false }),
    MongooseModule.forFeature([{ name: REVOCATION_MODEL, schema: revocationSchema }]),
  ],
  providers: [
    AccessTokens,
    JwtStrategy,
    OneTimeTokens,
    Revocations,
    VerificationKeys,
    { provide: RevocationStore, useClass: RevocationRepository },
    {
      provide: RevocationChannel,
      inject: [{ token: RequestRedis, optional: true }, { token: SubscriberRedis, optional: true }, Clock],
      useFactory: (redis: RequestRedis | undefined, subscriber: SubscriberRedis | undefined, clock: Clock) =>
        redis && subscriber ? new RedisRevocationChannel(redis, subscriber, clock) : new SilentRevocationChannel(),
    },
  ],
  exports: [AccessTokens, OneTimeTokens, Revocations],
})
export class SecurityModule {}
