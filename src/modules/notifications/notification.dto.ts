import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsBoolean } from 'class-validator';
import { Optional } from '../../core/http/fields.js';
import { PageQuery } from '../../core/paging/page.dto.js';

export class ListNotifications extends PageQuery {
  @ApiPropertyOptional({ type: Boolean, default: false, description: 'Only what has not been read yet.' })
  @Optional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  unread?: boolean;
}
