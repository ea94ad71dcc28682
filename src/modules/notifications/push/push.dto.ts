import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsNumber, IsObject, ValidateIf, ValidateNested } from 'class-validator';
import { Optional, Rule, Text } from '../../../core/http/fields.js';
import { isP256Point } from './push-subscription.js';

/** Of RFC 8291, appendix A. */
const EXAMPLE_POINT = 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4';

export class PushKeys {
  @ApiProperty({ type: String, description: 'A point on P-256 (RFC 8291), 65 bytes in base64url.' })
  @Rule('p256_point', 'a point on P-256 in base64url', isP256Point)
  p256dh: string;

  @ApiProperty({ type: String, description: '16 bytes in base64url.' })
  @Rule('auth_secret', '16 bytes in base64url', (value) => typeof value === 'string' && /^[\w-]{22}(==)?$/.test(value))
  auth: string;
}

/** What `PushSubscription.toJSON()` of a browser gives. */
export class SubscribePush {
  /** @example 'https://push.example.net/send/f1c2' */
  @Text(1, 1000) endpoint: string;

  @ApiPropertyOptional({ type: Number, nullable: true, description: 'Not used.' })
  @Optional()
  @ValidateIf((_object, value: unknown) => value !== null && value !== undefined)
  @IsNumber()
  expirationTime?: number | null;

  @ApiProperty({ type: PushKeys, example: { p256dh: EXAMPLE_POINT, auth: 'BTBZMqHH6r4Tts7J_aSIgg' } })
  @IsObject()
  @ValidateNested()
  @Type(() => PushKeys)
  keys: PushKeys;
}
