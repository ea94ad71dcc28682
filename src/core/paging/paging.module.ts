import { Global, Module } from '@nestjs/common';
import { CursorCodec } from './cursor.js';

@Global()
@Module({ providers: [CursorCodec], exports: [CursorCodec] })
export class PagingModule {}
