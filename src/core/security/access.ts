import { SetMetadata, type CustomDecorator } from '@nestjs/common';
import type { Role } from './principal.js';

export const PUBLIC = 'taskflow:public';
export const ROLE = 'taskflow:role';

/** Lets strangers in. Without it a route wants a signed-in user. */
export const Public = (): CustomDecorator => SetMetadata(PUBLIC, true);

/** Lets only users with this role in. */
export const RequireRole = (role: Role): CustomDecorator => SetMetadata(ROLE, role);
