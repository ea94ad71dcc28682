import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { Optional, Text } from '../../core/http/fields.js';
import { PageQuery } from '../../core/paging/page.dto.js';
import type { Role } from '../../core/security/principal.js';
import { AUDIT_ACTIONS, type AuditAction } from './audit.js';

const ROLES = ['user', 'admin'] as const;
const STATUSES = ['active', 'suspended'] as const;

export class ListUsers extends PageQuery {
  /** Each word must begin a word of e-mail or name; case and accents do not matter. */
  @Optional() @Text(0, 200) q?: string;

  @ApiPropertyOptional({ enum: ROLES })
  @Optional()
  @IsIn(ROLES)
  role?: Role;

  @ApiPropertyOptional({ enum: STATUSES })
  @Optional()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];
}

/** A JSON merge patch: what is absent stays as it is; nothing here can be null. */
export class ChangeUser {
  /** @example 'admin' */
  @ApiPropertyOptional({ enum: ROLES })
  @Optional()
  @IsIn(ROLES)
  role?: Role;

  /**
   * Suspending ends every session.
   * @example 'active'
   */
  @ApiPropertyOptional({ enum: STATUSES })
  @Optional()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];
}

export class ListAudit extends PageQuery {
  /** Id of the admin who did it. */
  @Optional() @Text(1, 64) actor?: string;

  @ApiPropertyOptional({ enum: AUDIT_ACTIONS })
  @Optional()
  @IsIn(AUDIT_ACTIONS)
  action?: AuditAction;
}
