import { defineError } from '../../core/errors/domain-error.js';

export const UserNotFound = defineError('user.not_found', 'not-found', 'There is no such user.');
export const EmailTaken = defineError('user.email_taken', 'conflict', 'There is an account with this e-mail already.');
export const LastAdmin = defineError('admin.last_admin', 'conflict', 'The last active admin has to stay.');
