import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsInt, IsString, Max, MaxLength, Min } from 'class-validator';
import { Optional } from '../http/fields.js';
import { DEFAULT_PAGE_LIMIT, MAX_PAGE_LIMIT } from './page.js';

/** The part of a list's query that pages through it. */
export class PageQuery {
  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    maximum: MAX_PAGE_LIMIT,
    default: DEFAULT_PAGE_LIMIT,
    description: 'Items on a page.',
  })
  @Optional()
  @Transform(({ value }: { value: unknown }) =>
    typeof value === 'string' && /^\d{1,9}$/.test(value) ? Number(value) : value,
  )
  @IsInt()
  @Min(1)
  @Max(MAX_PAGE_LIMIT)
  limit?: number;

  @ApiPropertyOptional({
    type: String,
    description: '`nextCursor` of the page before; everything else but `limit` must be as it was there.',
  })
  @Optional()
  @IsString()
  @MaxLength(1000)
  cursor?: string;
}
