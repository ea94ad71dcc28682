import { Global, Injectable, Module } from '@nestjs/common';

/** The one source of "now" for whatever is stored or compared, so that tests can move it. */
@Injectable()
export class Clock {
  now(): Date {
    return new Date();
  }
}

@Global()
@Module({ providers: [Clock], exports: [Clock] })
export class TimeModule {}
